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

/// Whether it was taken. Of what the answer says codes alone are repeated: words may quote the message.
pub fn taken(answer: Result<Response<Bytes>, FetchError>) -> Result<(), Refusal> {
    let answer = answer.map_err(|error| Refusal::Away(error.to_string()))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    // Resend's, and Postmark's.
    let is_name = |name: &&str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let name = body["name"].as_str().filter(is_name).unwrap_or_default();
    let number = body["ErrorCode"].as_i64().unwrap_or_default();
    let code = if name.is_empty() { number.to_string() } else { name.to_owned() };
    let why = format!("the provider answered {} {code}", status.as_u16());
    Err(match (status, name, number) {
        // It was taken before, in the words of another build.
        (_, "invalid_idempotent_request", _) => return Ok(()),
        // The key is wrong, or the sender or its domain not confirmed: no letter's own fault.
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS, ..)
        | (_, "invalid_from_address", _)
        | (_, _, 10 | 400 | 401 | 405 | 412 | 413) => Refusal::Away(why),
        // It is being sent by somebody else in this moment.
        (StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT, ..) => Refusal::NotNow(why),
        _ if status.is_client_error() => Refusal::Never(why),
        _ => Refusal::Away(why),
    })
}

#[cfg(test)]
mod tests {
    use trireme_core::{Uuid, config::Environment, mail::Mailbox};

    use super::*;

    fn message() -> Message {
        Message {
            id: Uuid::from_u128(7),
            from: Mailbox::parse("B\u{fc}cher <no-reply@post.example>").unwrap(),
            to: "ada@example.com".to_owned(),
            subject: "Hello".to_owned(),
            text: "text".to_owned(),
            html: "<p>text</p>".to_owned(),
        }
    }

    #[test]
    fn postmark_is_told_in_its_own_words() {
        let secret = Secret::new("server token");
        let call = postmark(&secret, &message()).checked(Environment::Production).unwrap();
        let request = call.request;
        assert_eq!(request.uri(), "https://api.postmarkapp.com/email");
        assert_eq!(
            (request.method().as_str(), &request.headers()["x-postmark-server-token"]),
            ("POST", &"server token".parse().unwrap())
        );
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(
            (&body["From"], &body["To"]),
            (&json!("\"B\u{fc}cher\" <no-reply@post.example>"), &json!("ada@example.com"))
        );
        assert_eq!((&body["TextBody"], &body["HtmlBody"]), (&json!("text"), &json!("<p>text</p>")));
        let id = json!({ "Name": "Message-ID", "Value": "<00000000-0000-0000-0000-000000000007@post.example>" });
        assert_eq!(body["Headers"][0], id);
    }

    #[test]
    fn an_answer_tells_whether_to_try_again() {
        let outcome = |status, body: &'static str| {
            let answer = Response::builder().status(status).body(body.into());
            match taken(Ok(answer.unwrap())) {
                Ok(()) => "taken".to_owned(),
                Err(Refusal::Away(why)) => format!("away: {why}"),
                Err(Refusal::NotNow(why)) => format!("not now: {why}"),
                Err(Refusal::Never(why)) => format!("never: {why}"),
            }
        };
        for (status, body, due) in [
            (200, "", "taken"),
            (202, "{}", "taken"),
            (302, "", "away: the provider answered 302 0"),
            (400, "", "never: the provider answered 400 0"),
            (401, "", "away: the provider answered 401 0"),
            (
                403,
                r#"{"name":"validation_error"}"#,
                "away: the provider answered 403 validation_error",
            ),
            (408, "", "not now: the provider answered 408 0"),
            (
                409,
                r#"{"name":"concurrent_idempotent_requests"}"#,
                "not now: the provider answered 409 concurrent_idempotent_requests",
            ),
            (409, r#"{"name":"invalid_idempotent_request"}"#, "taken"),
            (
                422,
                r#"{"name":"validation_error","message":"ada@example.com is none"}"#,
                "never: the provider answered 422 validation_error",
            ),
            (
                422,
                r#"{"name":"invalid_from_address"}"#,
                "away: the provider answered 422 invalid_from_address",
            ),
            (422, r#"{"name":"ada@example.com"}"#, "never: the provider answered 422 0"),
            (
                422,
                r#"{"ErrorCode":406,"Message":"ada@example.com is inactive"}"#,
                "never: the provider answered 422 406",
            ),
            (422, r#"{"ErrorCode":400}"#, "away: the provider answered 422 400"),
            (429, "", "away: the provider answered 429 0"),
            (500, "", "away: the provider answered 500 0"),
        ] {
            assert_eq!(outcome(status, body), due);
        }
        let silent = Refusal::Away(FetchError::TimedOut.to_string());
        assert_eq!(taken(Err(FetchError::TimedOut)), Err(silent));
    }
}
