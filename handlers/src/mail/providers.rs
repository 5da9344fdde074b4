//! Providers that take mail by HTTP: a call, and what its answer means.

use http::{HeaderName, Response, StatusCode, header};
use serde_json::{Value, json};
use trireme_core::{
    Secret,
    http::call::{Call, FetchError},
    mail::{Message, Refusal},
};

use crate::Bytes;

/// What a program has written: nobody's holiday notice answers it (RFC 3834).
const AUTOMATIC: &str = "auto-generated";

/// <https://resend.com/docs/api-reference/emails/send-email>
pub fn resend(key: &Secret, url: &str, message: &Message) -> Call {
    let body = json!({
        "from": message.from.to_string(),
        "to": [message.to],
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "headers": { "Message-ID": id(message), "Auto-Submitted": AUTOMATIC },
    });
    call(&format!("{url}/emails"), &body)
        .header(header::AUTHORIZATION, &format!("Bearer {}", key.reveal()))
        // Within a day it is taken once, however often it is sent.
        .header(HeaderName::from_static("idempotency-key"), &message.id.to_string())
}

/// <https://postmarkapp.com/developer/api/email-api>
pub fn postmark(token: &Secret, message: &Message) -> Call {
    let header = |name: &str, value: &str| json!({ "Name": name, "Value": value });
    let body = json!({
        "From": message.from.to_string(),
        "To": message.to,
        "Subject": message.subject,
        "TextBody": message.text,
        "HtmlBody": message.html,
        "MessageStream": "outbound",
        // In the address of a link that somebody else counts there is no secret any more.
        "TrackLinks": "None",
        "TrackOpens": false,
        "Headers": [
            header("Message-ID", &id(message)),
            header("X-PM-KeepID", "true"),
            header("Auto-Submitted", AUTOMATIC),
        ],
    });
    call("https://api.postmarkapp.com/email", &body)
        .header(HeaderName::from_static("x-postmark-server-token"), token.reveal())
}

fn call(url: &str, body: &Value) -> Call {
    Call::to_operators(url).body("application/json", body.to_string()).at_most(64 << 10)
}

fn id(message: &Message) -> String {
    format!("<{}>", message.message_id())
}

/// Whether it was taken. What the answer says in words may quote the message, and is not repeated.
pub fn taken(answer: Result<Response<Bytes>, FetchError>) -> Result<(), Refusal> {
    let status = answer.map_err(|error| Refusal::Away(error.to_string()))?.status();
    let why = format!("the provider answered {}", status.as_u16());
    Err(match status {
        _ if status.is_success() => return Ok(()),
        // The key is wrong, or the domain is not confirmed: no letter's own fault.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => {
            Refusal::Away(why)
        }
        // It is being sent by somebody else in this moment.
        StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT => Refusal::NotNow(why),
        _ if status.is_client_error() => Refusal::Never(why),
        _ => Refusal::Away(why),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_tells_whether_to_try_again() {
        let outcome = |status| {
            let answer =
                Response::builder().status(status).body(Bytes::from_static(b"ada@example.com"));
            match taken(Ok(answer.unwrap())) {
                Ok(()) => "taken",
                Err(Refusal::Away(_)) => "away",
                Err(Refusal::NotNow(_)) => "not now",
                Err(Refusal::Never(_)) => "never",
            }
        };
        for (status, due) in [
            (200, "taken"),
            (202, "taken"),
            (302, "away"),
            (400, "never"),
            (401, "away"),
            (403, "away"),
            (408, "not now"),
            (409, "not now"),
            (422, "never"),
            (429, "away"),
            (500, "away"),
            (503, "away"),
        ] {
            assert_eq!(outcome(status), due, "{status}");
        }
        assert_eq!(
            taken(Err(FetchError::TimedOut)),
            Err(Refusal::Away(FetchError::TimedOut.to_string()))
        );
    }
}
