//! One letter at a time: taken out of the box for a while, written, handed over, and then forgotten, put
//! off or given up.
//!
//! Who dies in between leaves it to be taken again when the while is over. If it had been handed over
//! by then it is sent a second time, with the same `Message-ID`, and the same `Idempotency-Key` where a
//! provider knows one.

use std::{pin::pin, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::{Either, select};
use trireme_core::{
    Timestamp, Uuid,
    config::Transport,
    host::{Database, Host, Scope},
    mail::{Message, Refusal},
    sql::{DatabaseError, Statement},
};

use super::{
    Kind, address, language,
    outbox::{self, Kept},
    providers,
    template::{self, Values},
};
use crate::App;

/// How long a letter is its sender's: longer than sending takes, and than clocks differ.
const TAKEN: Duration = Duration::from_secs(120);

/// How long handing over may take.
const LIMIT: Duration = Duration::from_secs(20);

const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Sends this letter, if it is due and nobody else is at it.
pub async fn one<H: Host>(app: &App<H>, host: &H, id: Uuid) -> Result<(), DatabaseError> {
    if let Some(outcome) = attempt(app, host, Some(id)).await? {
        host.database().batch(Scope::Service, &[outcome.statement]).await?;
    }
    Ok(())
}

/// Sends the letter that waits longest, for maintenance: the statement says what became of it. `None`
/// where nothing is due, or others would fare no better now.
pub(crate) async fn next<H: Host>(
    app: &App<H>,
    host: &H,
) -> Result<Option<Statement<'static>>, DatabaseError> {
    match attempt(app, host, None).await? {
        Some(Outcome { statement, is_away: true }) => {
            host.database().batch(Scope::Service, &[statement]).await?;
            Ok(None)
        }
        outcome => Ok(outcome.map(|outcome| outcome.statement)),
    }
}

/// What became of a letter, still to be noted.
struct Outcome {
    statement: Statement<'static>,
    is_away: bool,
}

async fn attempt<H: Host>(
    app: &App<H>,
    host: &H,
    id: Option<Uuid>,
) -> Result<Option<Outcome>, DatabaseError> {
    let now = host.now();
    let take = [outbox::take(id, now, now.plus(TAKEN))];
    let rows = host.database().batch(Scope::Service, &take).await?;
    let Some(row) = rows[0].first() else { return Ok(None) };
    let letter = Kept::read(row).map_err(|error| DatabaseError::Failed(error.to_string()))?;
    let result = match Written::of(app, &letter) {
        Ok(written) => hand_over(app, host, &written).await,
        Err(fault) => Err(Refusal::NotNow(fault.to_owned())),
    };
    let is_shown = matches!(app.config.mail.transport, Transport::Shown);
    let statement = match &result {
        Ok(()) if is_shown => outbox::shown(letter.id),
        Ok(()) => outbox::sent(letter.id),
        Err(refusal) => refused(&letter, refusal, host.now()),
    };
    if result.is_ok() {
        tracing::debug!(target: "mail", letter = %letter.id, attempts = letter.attempts, "a letter was taken");
    }
    Ok(Some(Outcome { statement, is_away: matches!(result, Err(Refusal::Away(_))) }))
}

/// Puts a letter off, or gives it up. The record of the latter is what an alarm waits for.
fn refused(letter: &Kept, refusal: &Refusal, now: Timestamp) -> Statement<'static> {
    let &Kept { id, attempts, send_until, .. } = letter;
    let kind = letter.kind.map(Kind::as_str);
    let next = now.plus(pause(attempts));
    if matches!(refusal, Refusal::Never(_)) || next > send_until {
        tracing::error!(target: "mail", letter = %id, kind, attempts, why = %refusal, "a letter was given up");
        return outbox::given_up(id);
    }
    tracing::warn!(target: "mail", letter = %id, kind, attempts, why = %refusal, "a letter has to wait");
    outbox::put_off(id, attempts, next)
}

/// After the n-th attempt: a minute, and twice as long each time, up to an hour.
fn pause(attempts: i64) -> Duration {
    let doubled = u32::try_from(attempts - 1).map_or(0, |times| times.min(6));
    (FIRST_PAUSE * 2u32.pow(doubled)).min(LONGEST_PAUSE)
}

/// A letter's words.
pub struct Written {
    pub message: Message,
    /// For whoever looks at it in development.
    pub link: Option<String>,
}

impl Written {
    pub fn of<H: Host>(app: &App<H>, letter: &Kept) -> Result<Self, &'static str> {
        // What this instance can't read another may: one of a newer build, or with newer keys.
        let kind = letter.kind.ok_or("this build does not know its kind")?;
        let mail = &app.config.mail;
        let token = letter.sealed.as_ref().map(|(key, token)| {
            let key = app.config.auth.keys.find(key)?;
            key.unseal(letter.id, token).map(|token| URL_SAFE_NO_PAD.encode(token))
        });
        let token = match token {
            Some(token) => {
                Some(token.ok_or("the key that sealed its link is not among those in use")?)
            }
            None => None,
        };
        let link = kind.page().zip(token.as_deref());
        let link = link.map(|(page, token)| format!("{}{page}?token={token}", mail.app_url));
        let templates = app.product.mail;
        let template = template::get(templates, kind, &letter.language)
            .or_else(|| template::get(templates, kind, language::DEFAULT))
            .ok_or("there is no template for it")?;
        let filled = template.fill(&Values {
            product: app.product.title,
            app: &mail.app_url,
            link: link.as_deref().unwrap_or_default(),
            token: token.as_deref().unwrap_or_default(),
        });
        let message = Message {
            id: letter.id,
            from: mail.from.clone(),
            to: address::ascii(&letter.recipient).ok_or("its address has no form in ASCII")?,
            subject: filled.subject,
            text: filled.text,
            html: filled.html,
        };
        Ok(Self { message, link })
    }
}

async fn hand_over<H: Host>(app: &App<H>, host: &H, written: &Written) -> Result<(), Refusal> {
    let message = &written.message;
    let sending = async {
        match &app.config.mail.transport {
            Transport::None => {
                Err(Refusal::Away("nothing is configured that takes mail".to_owned()))
            }
            Transport::Shown => {
                let link = written.link.as_deref();
                tracing::info!(target: "mail", to = message.to, subject = message.subject, link, "a letter; see /dev/mail");
                Ok(())
            }
            Transport::Smtp(server) => host.smtp(server, message).await,
            Transport::Resend { key, url } => {
                providers::taken(host.fetch(providers::resend(key, url, message)).await)
            }
            Transport::Postmark(token) => {
                providers::taken(host.fetch(providers::postmark(token, message)).await)
            }
        }
    };
    match select(pin!(sending), pin!(host.sleep(LIMIT))).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(Refusal::Away("no answer in time".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_an_hour() {
        let minutes = |attempts| pause(attempts).as_secs() / 60;
        assert_eq!([1, 2, 3, 6, 7, 8, 100].map(minutes), [1, 2, 4, 32, 60, 60, 60]);
        assert_eq!([0, -1, i64::MAX].map(minutes), [1, 1, 1]);
    }
}
