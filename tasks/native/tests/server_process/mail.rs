use std::{process::Command, thread::sleep, time::Duration};

use trireme_testbed::{Folder, Mail, MailServer, MailTls, require};

/// A migrated SQLite file with a letter that is due, and the command that sends what is.
struct Post {
    connection: rusqlite::Connection,
    url: String,
    smtp: String,
    _folder: Folder,
}

impl Post {
    fn new(mail: &MailServer, recipient: &str) -> Self {
        let folder = Folder::new().unwrap();
        let path = folder.path().join("trireme.sqlite3");
        let url = format!("sqlite://{}", path.display());
        let smtp = format!("smtp://127.0.0.1:{}", mail.port());
        let open = || rusqlite::Connection::open(&path).unwrap();
        let mut post = Self { connection: open(), url, smtp, _folder: folder };
        assert!(post.trireme("migrate").output().unwrap().status.success());
        post.connection = open();
        let letter = "INSERT INTO outbox (id, kind, language, recipient, created_at, send_until, due_at, attempts)
            VALUES ('01a1f8d3-ea00-7c41-9d2e-5b6f7a8091a2', 'password_changed', 'en', ?1, 0, ?2, 0, 0)";
        post.connection.execute(letter, (recipient, i64::MAX / 2)).unwrap();
        post
    }

    fn trireme(&self, command: &str) -> Command {
        let mut trireme = Command::new(env!("CARGO_BIN_EXE_trireme"));
        let variables = [
            ("DATABASE_URL", self.url.as_str()),
            ("SMTP_URL", &self.smtp),
            ("EMAIL_FROM", "no-reply@post.example"),
        ];
        trireme.arg(command).env_clear().envs(variables);
        trireme
    }

    /// How often the letter was sent already; `None` once it is gone.
    fn attempts(&self) -> Option<i64> {
        self.connection.query_row("SELECT attempts FROM outbox", [], |row| row.get(0)).ok()
    }
}

fn mails(mail: &MailServer) -> Vec<Mail> {
    mail.mails().unwrap()
}

/// Between a server's taking a letter and the note of it nobody can know: it comes again, as the same.
#[test]
fn who_is_killed_while_sending_sends_the_same_message_again() {
    let Some(mail) = require(MailServer::start(MailTls::Never, None)) else { return };
    let post = Post::new(&mail, "late@example.com");
    let mut killed = post.trireme("maintain").spawn().unwrap();
    while mails(&mail).is_empty() {
        assert!(killed.try_wait().unwrap().is_none(), "it has sent nothing");
        sleep(Duration::from_millis(5));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(post.attempts(), Some(1));

    // It is nobody's again after two minutes, and not before; nor is the step, after half a minute.
    post.connection.execute("UPDATE leases SET until = 0", ()).unwrap();
    let maintain = || assert!(post.trireme("maintain").output().unwrap().status.success());
    maintain();
    assert_eq!(mails(&mail).len(), 1);
    post.connection.execute("UPDATE outbox SET due_at = due_at - 120000", ()).unwrap();
    maintain();
    let mails = mails(&mail);
    assert_eq!((mails.len(), post.attempts()), (2, None));
    assert_eq!(mails[0].message_id, "<01a1f8d3-ea00-7c41-9d2e-5b6f7a8091a2@post.example>");
    assert_eq!(mails[0], mails[1]);
    maintain();
    assert_eq!(mail.mails().unwrap().len(), 2);
}

#[test]
fn a_letter_that_is_not_taken_is_logged_without_its_address() {
    let Some(mail) = require(MailServer::start(MailTls::Never, None)) else { return };
    for (user, level, left) in
        [("busy", "WARN", Some(1)), ("gone", "ERROR", Some(1)), ("ada", "", None)]
    {
        let post = Post::new(&mail, &format!("{user}@example.com"));
        let output = post.trireme("maintain").output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{log}");
        assert_eq!(post.attempts(), left, "{log}");
        assert!(log.contains(level) && !log.contains("example.com"), "{log}");
    }
    assert_eq!(mails(&mail).len(), 1);
}
