//! Mail by SMTP, a connection a message: there are few, and a kept one would be a second thing to fail.

use std::time::Duration;

use lettre::{
    Address, Message as Mime,
    message::{Mailbox, MultiPart, header},
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::ClientId,
    },
};
use tokio::{task::spawn_blocking, time::timeout};
use trireme_core::mail::{Message, Refusal, Smtp, Tls};

/// To be connected and signed in, and then to hand a message over.
const LIMIT: Duration = Duration::from_secs(10);

/// To part in peace from a server that has taken it, which is no part of that.
const PARTING: Duration = Duration::from_millis(500);

/// Hands a message over. It was taken if the server said so, whatever comes after.
pub async fn send(server: &Smtp, message: &Message) -> Result<(), Refusal> {
    let silent = |_| Refusal::Away("the mail server did not answer in time".to_owned());
    let (from, to, text) = mime(message).map_err(Refusal::Never)?;
    let mut connection = timeout(LIMIT, connect(server, from.domain())).await.map_err(silent)??;
    let outcome =
        timeout(LIMIT, deliver(&mut connection, from, to, &text)).await.map_err(silent)?;
    let _ = timeout(PARTING, connection.abort()).await;
    outcome
}

/// Whatever goes wrong before it is about this message is the server's or the configuration's, also
/// where the server means it for ever.
async fn connect(server: &Smtp, sender: &str) -> Result<AsyncSmtpConnection, Refusal> {
    let away = |step: &'static str| move |error: Error| Refusal::Away(why(step, &error));
    let name = ClientId::Domain(sender.to_owned());
    let implicit = match server.tls {
        Tls::Implicit => Some(parameters(server).await?),
        Tls::Required | Tls::Opportunistic | Tls::Never => None,
    };
    let address = (server.host.as_str(), server.port);
    let connected =
        AsyncSmtpConnection::connect_tokio1(address, Some(LIMIT), &name, implicit, None);
    let mut connection = connected.await.map_err(away("connecting"))?;
    let encrypts = match server.tls {
        Tls::Implicit | Tls::Never => false,
        Tls::Required => true,
        Tls::Opportunistic => connection.can_starttls(),
    };
    if encrypts {
        connection.starttls(parameters(server).await?, &name).await.map_err(away("STARTTLS"))?;
    }
    if let Some((user, password)) = &server.credentials {
        let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
        connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(away("signing in"))?;
    }
    Ok(connection)
}

/// The system's authorities, and the name that the certificate has to be for. Reading the first takes
/// milliseconds, which no request shall wait for.
async fn parameters(server: &Smtp) -> Result<TlsParameters, Refusal> {
    let host = server.host.clone();
    let made = spawn_blocking(move || TlsParameters::new_rustls(host)).await;
    let made = made.map_err(|_| Refusal::Away("preparing TLS panicked".to_owned()))?;
    made.map_err(|error| Refusal::Away(why("preparing TLS", &error)))
}

async fn deliver(
    connection: &mut AsyncSmtpConnection,
    from: Address,
    to: Address,
    text: &[u8],
) -> Result<(), Refusal> {
    // Who sends is not for this message to say.
    let sender = connection.command(Mail::new(Some(from), Vec::new())).await;
    sender.map_err(|error| Refusal::Away(why("MAIL FROM", &error)))?;
    let recipient = connection.command(Rcpt::new(to, Vec::new())).await;
    recipient.map_err(|error| refusal("RCPT TO", &error))?;
    connection.command(Data).await.map_err(|error| refusal("DATA", &error))?;
    connection.message(text).await.map_err(|error| refusal("the message", &error))?;
    Ok(())
}

fn refusal(step: &str, error: &Error) -> Refusal {
    let why = why(step, error);
    if error.is_permanent() {
        Refusal::Never(why)
    } else if error.is_transient() {
        Refusal::NotNow(why)
    } else {
        Refusal::Away(why)
    }
}

/// The server's codes without its words, which may hold the address; the words of this side as they are.
fn why(step: &str, error: &Error) -> String {
    match error.status() {
        Some(code) => format!("the mail server answered {code} to {step}"),
        None if error.is_response() => format!("{step}: the mail server's answer can't be read"),
        None => format!("{step}: {error}"),
    }
}

/// The message as it is sent, in ASCII throughout.
fn mime(message: &Message) -> Result<(Address, Address, Vec<u8>), String> {
    let address =
        |text: &str| text.parse::<Address>().map_err(|error| format!("an address: {error}"));
    let (from, to) = (address(&message.from.address)?, address(&message.to)?);
    let built = Mime::builder()
        .message_id(Some(format!("<{}>", message.message_id())))
        .from(Mailbox::new(message.from.name.clone(), from.clone()))
        .to(Mailbox::new(None, to.clone()))
        .subject(message.subject.clone())
        .header(AutoSubmitted)
        .multipart(MultiPart::alternative_plain_html(message.text.clone(), message.html.clone()))
        .map_err(|error| format!("the message: {error}"))?;
    Ok((from, to, built.formatted()))
}

/// A program has written it: nobody's holiday notice answers it (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl header::Header for AutoSubmitted {
    fn name() -> header::HeaderName {
        header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }
    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }
    fn display(&self) -> header::HeaderValue {
        header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
