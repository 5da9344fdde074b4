use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::child::Child;
use crate::tls::Certificates;
use crate::{Error, Folder, Result, find_program, port};

const START_TIMEOUT: Duration = Duration::from_secs(10);

/// How a [`MailServer`] encrypts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    Never,
    /// And takes nothing before.
    StartTls,
    Implicit,
}

/// aiosmtpd, which takes mail for anybody. What it does with a message is in the user of its address:
/// `mail_server.py` has the list.
///
/// The fields drop in this order: the process ends before its folder goes.
pub struct MailServer {
    child: Option<Child>,
    port: u16,
    tls: MailTls,
    credentials: Option<(String, String)>,
    folder: Folder,
}

/// What the server has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    pub sender: String,
    pub recipient: String,
    /// Who had signed in, if anybody.
    pub user: String,
    pub is_encrypted: bool,
    pub message_id: String,
    /// As the headers have them, decoded.
    pub from: String,
    pub subject: String,
    pub auto_submitted: String,
    pub text: String,
    pub html: String,
}

impl MailServer {
    /// With `credentials`, a user and a password, nobody else is served.
    pub fn start(tls: MailTls, credentials: Option<(&str, &str)>) -> Result<Self> {
        let folder = Folder::new()?;
        let made = Certificates::make()?;
        let files = [
            ("certificate.pem", made.certificate.as_str()),
            ("key.pem", &made.key),
            ("authority.pem", &made.authority),
            ("server.py", include_str!("mail_server.py")),
        ];
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::write(&path, text)
                .map_err(|error| Error::doing(format!("writing {}", path.display()), error))?;
        }
        let credentials =
            credentials.map(|(user, password)| (user.to_owned(), password.to_owned()));
        let mut server = Self { child: None, port: port::free()?, tls, credentials, folder };
        server.start_again()?;
        Ok(server)
    }

    /// Ends it; the port stays its own.
    pub fn stop(&mut self) -> Result<()> {
        let child = self.child.take();
        child.map_or(Ok(()), |mut child| child.end(Signal::KILL).map(drop))
    }

    /// Starts a stopped one on the same port, and waits for it.
    pub fn start_again(&mut self) -> Result<()> {
        let (log, out, err) = self.folder.log("server.log")?;
        let tls = match self.tls {
            MailTls::Never => "never",
            MailTls::StartTls => "starttls",
            MailTls::Implicit => "implicit",
        };
        let (user, password) = self.credentials.clone().unwrap_or_default();
        let mut command = Command::new(python()?);
        command
            .current_dir(self.folder.path())
            .args(["server.py", &self.port.to_string(), tls, &user, &password])
            .stdout(out)
            .stderr(err);
        let mut child = Child::spawn("aiosmtpd", command, Signal::KILL)?;
        child.wait_until_ready(START_TIMEOUT, &log, || {
            let connected = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
            connected.map(drop).map_err(|error| error.to_string())
        })?;
        self.child = Some(child);
        Ok(())
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The PEM file of the authority that vouches for it as `localhost`.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// What it has taken, in its order.
    pub fn mails(&self) -> Result<Vec<Mail>> {
        let failed = |error| Error::doing("reading the mail server's folder".to_owned(), error);
        let entries = std::fs::read_dir(self.folder.path()).map_err(failed)?;
        let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|it| it == "mail"));
        files.sort();
        let read = |file| std::fs::read_to_string(file).map_err(failed);
        files.iter().map(|file| read(file).map(|text| Mail::read(&text))).collect()
    }
}

impl Mail {
    fn read(text: &str) -> Self {
        let mut parts = text.splitn(9, '\n').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        let [sender, recipient, user, encrypted, message_id, from, subject, auto_submitted, body] =
            std::array::from_fn(|_| next());
        let (text, html) = body.split_once('\0').unwrap_or((&body, ""));
        Self {
            sender,
            recipient,
            user,
            is_encrypted: encrypted == "encrypted",
            message_id,
            from,
            subject,
            auto_submitted,
            text: text.replace("\r\n", "\n"),
            html: html.replace("\r\n", "\n"),
        }
    }
}

/// The interpreter that aiosmtpd is installed for: the one that its own program names.
fn python() -> Result<PathBuf> {
    let program = find_program("aiosmtpd")?;
    let script = std::fs::read_to_string(&program).unwrap_or_default();
    let first = script.lines().next().and_then(|line| line.strip_prefix("#!"));
    let first = first.map(|line| PathBuf::from(line.trim()));
    first.filter(|python| python.is_file()).ok_or_else(|| {
        Error::Failed(format!("{} does not say by which Python it is run", program.display()))
    })
}
