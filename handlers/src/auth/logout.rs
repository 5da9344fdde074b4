use bytes::Bytes;
use http::Response;
use trireme_core::{auth::refresh::RefreshToken, error::Result, host::Host, sql::Row};

use super::{refresh::Input, report, sql};
use crate::{context::Context, openapi::Operation, respond};

/// Ends the token's session. A token that is unknown by now has no session any more, which is
/// what was asked for.
pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let input: Input = cx.input().await?;
    if let Some(token) = RefreshToken::parse(&input.refresh_token) {
        let rows = cx.as_service(&[sql::end_session_of(&token.hash(), cx.now)]).await?;
        if let Some(ended) = rows[0].first() {
            report(cx, "signed_out", Some(ended.get(0)?));
        }
    }
    Ok(respond::no_content())
}

pub fn describe(op: Operation) -> Operation {
    op.about("The session's access tokens end at once. A token that is unknown by now is no fault.")
        .takes::<Input>()
        .answers_nothing(204, "The session has ended, with all its tokens.")
}
