use bytes::Bytes;
use http::{Response, StatusCode};
use trireme_core::{
    Code, Error, Timestamp,
    auth::refresh::{GRACE, RefreshToken},
    error::Result,
    host::Host,
    sql::Row,
};

use super::{Tokens, new_token, report, sql, tokens};
use crate::{context::Context, openapi::Operation, record::Record, users::User};

// Also what a logout takes.
crate::input! {
    pub struct Input {
        #[validate(length(min = 1, max = 200))]
        /// The newest refresh token of the session.
        #[schemars(example = &"example_refresh_token_that_opens_nothing_AA")]
        pub refresh_token: String,
    }
}

/// One exchange in one batch: touch the session, mark the token, add its successor, read how it stands, and end the
/// session of a token that was used long before. Of two at once, one marks; both read the
/// same successor.
pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let input: Input = cx.input().await?;
    let old = RefreshToken::parse(&input.refresh_token).ok_or_else(|| unknown(cx))?;
    let successor = new_token(cx.host);
    let (hash, sealed, successor_hash) = (old.hash(), old.seal(&successor), successor.hash());
    let expires = cx.now.plus(cx.app.config.auth.refresh_token_ttl);
    let rows = cx
        .as_service(&[
            sql::touch_session(&hash, cx.now),
            sql::use_refresh_token(&hash, &sealed, cx.now),
            sql::add_successor(&hash, &sealed, &successor_hash, expires, cx.now),
            sql::refresh_token(&hash),
            sql::end_reused(&hash, cx.now.minus(GRACE), cx.now),
        ])
        .await?;
    if let Some(ended) = rows[4].first() {
        report(cx, "refresh_reused", Some(ended.get(0)?));
        return Err(Error::new(
            Code::REFRESH_REUSED,
            "This refresh token was used before; its session is ended.",
        ));
    }
    let row = rows[3].first().ok_or_else(|| unknown(cx))?;
    let used: Option<Timestamp> = row.get(6)?;
    let sealed: Option<&str> = row.get(7)?;
    let (Some(_), Some(sealed)) = (used, sealed) else { return Err(unknown(cx)) };
    let given = old.unseal(sealed).ok_or_else(|| Error::internal("a successor can't be read"))?;

    let user = User::read(row)?;
    report(cx, "refreshed", Some(user.id));
    tokens(cx, StatusCode::OK, user, (row.get(8)?, row.get(9)?), &given.to_secret())
}

fn unknown<H: Host>(cx: &Context<'_, H>) -> Error {
    report(cx, "refresh_refused", None);
    Error::new(Code::INVALID_REFRESH_TOKEN, "The refresh token is not valid any more.")
}

pub fn describe(op: Operation) -> Operation {
    op.about(
        "Each refresh token is used once and gives its successor. Within 10 s of its use it gives the same \
         successor again, so that a lost answer or two tabs do no harm; later its reuse ends the whole session.",
    )
    .takes::<Input>()
    .answers::<Tokens>(200, "New tokens of the same session.")
    .fails(&[Code::INVALID_REFRESH_TOKEN, Code::REFRESH_REUSED])
}
