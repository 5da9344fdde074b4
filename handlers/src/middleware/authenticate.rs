use std::sync::atomic::Ordering;

use http::{header, request::Parts};
use trireme_core::{
    Code, Error, Timestamp, Uuid,
    auth::access::{self, Caller},
    error::Result,
    host::{Host, Scope},
    sql::Statement,
};

use crate::{App, database};

/// The one user of `AUTH_REQUIRED=false`.
const LOCAL_USER: Uuid = Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001);

/// Who calls, by the bearer token (RFC 6750). That the session is still alive is for the
/// database to say.
pub async fn caller<H: Host>(
    app: &App<H>,
    host: &H,
    head: &Parts,
    now: Timestamp,
) -> Result<Caller> {
    if !app.config.auth.required {
        return Box::pin(local_user(app, host, now)).await;
    }
    let mut lines = head.headers.get_all(header::AUTHORIZATION).iter();
    let line = lines.next().filter(|_| lines.next().is_none());
    let token = line.and_then(|line| line.to_str().ok()).and_then(bearer).ok_or_else(|| {
        Error::new(Code::UNAUTHENTICATED, "Send a bearer token in the Authorization header.")
    })?;
    access::verify(&app.config.auth, now, token).map_err(|refusal| {
        tracing::debug!(?refusal, "access token refused");
        Error::new(Code::UNAUTHENTICATED, "The access token is not valid.")
    })
}

fn bearer(line: &str) -> Option<&str> {
    let (scheme, token) = line.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

async fn local_user<H: Host>(app: &App<H>, host: &H, now: Timestamp) -> Result<Caller> {
    if !app.local_user.load(Ordering::Relaxed) {
        let create = Statement::write(
            "-- create_local_user
             INSERT INTO users (id, email, name, created_at, updated_at, version)
             VALUES ($1, 'local@localhost', 'Local user', $2, $2, 1) ON CONFLICT DO NOTHING",
            vec![LOCAL_USER.into(), now.into()],
        );
        database::batch(host, &app.schema, Scope::Service, &[create]).await?;
        app.local_user.store(true, Ordering::Relaxed);
    }
    Ok(Caller { user: LOCAL_USER, session: None })
}
