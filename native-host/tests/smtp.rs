//! Mail by SMTP, to a real server.
#![expect(
    clippy::disallowed_methods,
    reason = "a test of a host, which has a clock and an environment"
)]

use std::time::{Duration, Instant};

use trireme_core::{
    Secret, Uuid,
    mail::{Mailbox, Message, Refusal, Smtp, Tls},
};
use trireme_native::smtp;
use trireme_testbed::{Mail, MailServer, MailTls, require};

fn server(of: &MailServer, tls: Tls) -> Smtp {
    Smtp { host: "localhost".to_owned(), port: of.port(), tls, credentials: None }
}

fn message(to: &str) -> Message {
    Message {
        id: Uuid::from_u128(7),
        from: Mailbox {
            name: Some("Höfe, Gärten & Co".to_owned()),
            address: "no-reply@post.example".to_owned(),
        },
        to: format!("{to}@example.com"),
        subject: "Wählen Sie ein neues Passwort".to_owned(),
        text: format!(
            "كلمة المرور\n\nhttps://app.example.com/reset-password?token={}\n.\nend",
            "a".repeat(43)
        ),
        html: "<p dir=\"rtl\">كلمة المرور</p>".to_owned(),
    }
}

fn send(server: &Smtp, to: &str) -> Result<(), Refusal> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(smtp::send(server, &message(to)))
}

fn only(of: &MailServer) -> Mail {
    let mut mails = of.mails().unwrap();
    assert_eq!(mails.len(), 1, "{mails:?}");
    mails.remove(0)
}

#[test]
fn a_message_arrives_as_it_was_written() {
    let Some(mail) = require(MailServer::start(MailTls::Never, None)) else { return };
    assert_eq!(send(&server(&mail, Tls::Opportunistic), "ada"), Ok(()));
    let (got, sent) = (only(&mail), message("ada"));
    assert_eq!(
        (got.sender.as_str(), got.recipient.as_str()),
        ("no-reply@post.example", "ada@example.com")
    );
    assert_eq!(got.message_id, "<00000000-0000-0000-0000-000000000007@post.example>");
    assert_eq!(got.from, "\"Höfe, Gärten & Co\" <no-reply@post.example>");
    assert_eq!((got.subject, got.auto_submitted), (sent.subject, "auto-generated".to_owned()));
    assert_eq!(got.text.trim_end(), sent.text);
    assert_eq!(got.html.trim_end(), sent.html);
    assert!(!got.is_encrypted);
}

const BUSY: &str = "the mail server answered 451 to RCPT TO";
const GONE: &str = "the mail server answered 550 to RCPT TO";

#[test]
fn refusals_for_now_and_for_ever_are_told_apart_without_the_servers_words() {
    let Some(mail) = require(MailServer::start(MailTls::Never, None)) else { return };
    let server = server(&mail, Tls::Never);
    assert_eq!(send(&server, "busy"), Err(Refusal::NotNow(BUSY.to_owned())));
    assert_eq!(send(&server, "gone"), Err(Refusal::Never(GONE.to_owned())));
    assert_eq!(mail.mails().unwrap(), []);
}

#[test]
fn a_server_that_is_away_or_silent_is_not_waited_for() {
    let Some(mut mail) = require(MailServer::start(MailTls::Never, None)) else { return };
    let server = server(&mail, Tls::Never);
    let is_away = |to: &str| {
        let begun = Instant::now();
        let refusal = send(&server, to).unwrap_err();
        assert!(matches!(refusal, Refusal::Away(_)), "{refusal:?}");
        begun.elapsed()
    };
    assert!(is_away("slow") < Duration::from_secs(15), "it answers in ten minutes");
    assert_eq!(mail.mails().unwrap(), []);
    // Whether it was taken nobody can know here: it is sent again, with the same id.
    is_away("stored");
    assert_eq!(only(&mail).recipient, "stored@example.com");
    mail.stop().unwrap();
    assert!(is_away("ada") < Duration::from_secs(5));
}

/// The answer that counts came before.
#[test]
fn what_was_taken_is_taken_whatever_comes_after() {
    let Some(mail) = require(MailServer::start(MailTls::Never, None)) else { return };
    let begun = Instant::now();
    assert_eq!(send(&server(&mail, Tls::Never), "mute"), Ok(()));
    assert!(begun.elapsed() < Duration::from_secs(5), "it says good-bye in ten minutes");
}

#[test]
fn nothing_is_sent_in_the_clear_where_that_is_not_wanted() {
    let Some(mail) = require(MailServer::start(MailTls::Never, None)) else { return };
    let refusal = send(&server(&mail, Tls::Required), "ada").unwrap_err();
    assert!(matches!(&refusal, Refusal::Away(why) if why.starts_with("STARTTLS: ")), "{refusal:?}");
    let Some(mail) = require(MailServer::start(MailTls::StartTls, None)) else { return };
    for tls in [Tls::Required, Tls::Opportunistic] {
        let stranger = send(&server(&mail, tls), "ada").unwrap_err();
        assert!(
            matches!(&stranger, Refusal::Away(why) if why.contains("UnknownIssuer")),
            "{stranger:?}"
        );
    }
    assert_eq!(mail.mails().unwrap(), []);
}

/// Whose authority is among the system's, which a process is told of by its environment: this test runs
/// itself again in one of its own.
#[test]
fn an_encrypted_message_is_sent_by_who_has_signed_in() {
    const TEST: &str = "an_encrypted_message_is_sent_by_who_has_signed_in";
    const PORTS: &str = "TEST_MAIL_PORTS";
    let credentials = |password| Some(("ada@example.com".to_owned(), Secret::new(password)));
    if let Ok(ports) = std::env::var(PORTS) {
        let (starttls, implicit) = ports.split_once(' ').unwrap();
        let server = |port: &str, tls, credentials| Smtp {
            host: "localhost".to_owned(),
            port: port.parse().unwrap(),
            tls,
            credentials,
        };
        for tls in [Tls::Required, Tls::Opportunistic] {
            assert_eq!(send(&server(starttls, tls, credentials("p:w@ \u{e4}")), "ada"), Ok(()));
        }
        assert_eq!(send(&server(implicit, Tls::Implicit, None), "ada"), Ok(()));
        let wrong =
            send(&server(starttls, Tls::Required, credentials("wrong")), "ada").unwrap_err();
        let due = "the mail server answered 535 to signing in";
        assert_eq!(wrong, Refusal::Away(due.to_owned()), "no fault of the message's");
        return;
    }
    let signed_in = Some(("ada@example.com", "p:w@ \u{e4}"));
    let Some(starttls) = require(MailServer::start(MailTls::StartTls, signed_in)) else { return };
    let Some(implicit) = require(MailServer::start(MailTls::Implicit, None)) else { return };
    let read = |of: &MailServer| std::fs::read_to_string(of.authority()).unwrap();
    let folder = trireme_testbed::Folder::new().unwrap();
    let authorities = folder.path().join("authorities.pem");
    std::fs::write(&authorities, read(&starttls) + &read(&implicit)).unwrap();
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([TEST, "--exact", "--nocapture"])
        .env(PORTS, format!("{} {}", starttls.port(), implicit.port()))
        .env("SSL_CERT_FILE", &authorities)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mails = starttls.mails().unwrap();
    assert_eq!(mails.len(), 2, "{mails:?}");
    assert!(
        mails.iter().all(|mail| mail.is_encrypted && mail.user == "ada@example.com"),
        "{mails:?}"
    );
    assert!(only(&implicit).is_encrypted);
}
