//! `/dev/mail`: what was written to people, for who develops. There is no such page anywhere else.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{Response, StatusCode};
use trireme_core::{Error, config::Environment, error::Result, host::Host};

use super::{
    outbox::{self, Kept},
    send::Written,
    template::escape,
};
use crate::{context::Context, openapi::Operation, respond};

pub const PATH: &str = "/dev/mail";

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    if cx.app.config.environment != Environment::Development {
        return Err(Error::not_found());
    }
    let rows = cx.as_service(&[outbox::newest()]).await?;
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Mail</title><h1>Mail</h1>\
         <p>The newest 50 letters of this database that were not sent to anybody; development has this page alone.</p>",
    );
    for row in &rows[0] {
        let letter = Kept::read(row)?;
        let state = if letter.due_at.is_some() { "waits" } else { "is done" };
        let when = letter.created_at.rfc3339();
        let to = escape(&letter.recipient);
        let _ = write!(page, "<hr><p>To: {to}<br>Date: {}<br>State: {state}", &*when);
        match Written::of(cx.app, &letter) {
            Ok(Written { message, link }) => {
                let _ = write!(page, "<br>Subject: {}", escape(&message.subject));
                if let Some(link) = link {
                    let link = escape(&link);
                    let _ = write!(page, "<br>Link: <a href=\"{link}\">{link}</a>");
                }
                let _ = write!(page, "<pre dir=\"auto\">{}</pre>", escape(&message.text));
            }
            Err(fault) => page.extend(["<br>It can't be shown: ", fault]),
        }
    }
    Ok(respond::bytes(StatusCode::OK, "text/html; charset=utf-8", page.into()))
}

pub fn describe(op: Operation) -> Operation {
    op.hidden()
}
