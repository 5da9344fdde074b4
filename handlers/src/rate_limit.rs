//! Attempts counted in the database, so that a limit holds across instances and hosts, and
//! told to the caller by the `RateLimit` fields (draft-ietf-httpapi-ratelimit-headers).

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use trireme_core::{
    Code, Error, Timestamp,
    auth::{
        access::Caller,
        keys::{Key, Ring},
    },
    config::Quota,
    error::Result,
    host::{Host, Scope},
    sql::{Row, Statement},
};

use crate::{App, Limit, Per, database};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// Where a limit stands after an attempt was counted.
pub struct Standing {
    name: &'static str,
    quota: Quota,
    used: i64,
    resets_in: i64,
}

/// Counts an attempt under `key`; the row is `used, resets_at`.
pub fn count(key: &str, quota: Quota, now: Timestamp) -> Statement<'_> {
    Statement::write(
        "-- count_attempt
         INSERT INTO rate_limits (key, used, resets_at) VALUES ($1, 1, $2)
         ON CONFLICT (key) DO UPDATE SET
             used = CASE WHEN rate_limits.resets_at <= $3 THEN 1 ELSE rate_limits.used + 1 END,
             resets_at = CASE WHEN rate_limits.resets_at <= $3 THEN $2 ELSE rate_limits.resets_at END
         RETURNING used, resets_at",
        vec![key.into(), now.plus(quota.window).into(), now.into()],
    )
}

/// Takes an attempt back: it turned out to be no failure.
pub fn forgive(key: &str) -> Statement<'_> {
    Statement::write(
        "-- forgive_attempt
         UPDATE rate_limits SET used = used - 1 WHERE key = $1 AND used > 0",
        vec![key.into()],
    )
}

pub fn due(now: Timestamp) -> Statement<'static> {
    Statement::read(
        "-- count_expired_attempts
         SELECT count(*) FROM (
             SELECT 1 FROM rate_limits WHERE resets_at <= $1 ORDER BY resets_at LIMIT 1000000
         ) AS due",
        vec![now.into()],
    )
}

/// Removes a piece of those that no longer count. One may count anew in this moment, so the
/// condition stands outside as well.
pub fn sweep(now: Timestamp) -> Statement<'static> {
    Statement::write(
        "-- sweep_attempts
         DELETE FROM rate_limits WHERE resets_at <= $1 AND key IN (
             SELECT key FROM rate_limits WHERE resets_at <= $1 ORDER BY resets_at LIMIT 1000
         ) RETURNING 1 AS gone",
        vec![now.into()],
    )
}

/// Forgets whatever was counted for an account, from any address.
pub fn forget(account: &Account) -> Statement<'static> {
    Statement::write(
        "-- forget_attempts
         DELETE FROM rate_limits WHERE key >= $1 AND key < $2",
        vec![format!("{}.", account.0).into(), format!("{}/", account.0).into()],
    )
}

impl Standing {
    pub fn read<R: Row>(
        name: &'static str,
        quota: Quota,
        now: Timestamp,
        rows: &[R],
    ) -> Result<Self> {
        let row = rows.first().ok_or_else(|| Error::internal("an attempt was not counted"))?;
        let resets_in = row.get::<Timestamp>(1)?.millis() - now.millis();
        Ok(Self { name, quota, used: row.get(0)?, resets_in: (resets_in + 999).max(1000) / 1000 })
    }

    /// 429 when the quota is used up; it announces this limit, which is the one to wait for.
    pub fn check(&self) -> Result<()> {
        if self.used <= i64::from(self.quota.requests) {
            return Ok(());
        }
        let mut error = Error::new(Code::RATE_LIMITED, "Too many attempts; wait a little.");
        error.retry_after = u32::try_from(self.resets_in).ok();
        Err(self.announced(error))
    }

    /// As it is once the attempt is taken back.
    pub fn forgiven(mut self) -> Self {
        self.used -= 1;
        self
    }

    /// The error with this limit announced.
    pub fn announced(&self, mut error: Error) -> Error {
        let mut fields = error.headers.drain(..).collect();
        self.announce(&mut fields);
        error.headers = fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        error
    }

    /// Adds this limit to the two fields; several limits make a list.
    pub fn announce(&self, headers: &mut HeaderMap) {
        let left = (i64::from(self.quota.requests) - self.used).max(0);
        let policy = format!(
            "\"{}\";q={};w={}",
            self.name,
            self.quota.requests,
            self.quota.window.as_secs()
        );
        let state = format!("\"{}\";r={left};t={}", self.name, self.resets_in);
        for (field, member) in [(POLICY, policy), (STATE, state)] {
            let list = match headers.get(&field).and_then(|list| list.to_str().ok()) {
                Some(list) => format!("{list}, {member}"),
                None => member,
            };
            if let Ok(list) = HeaderValue::from_str(&list) {
                headers.insert(field, list);
            }
        }
    }
}

/// Counts one request to an endpoint that has a limit.
pub async fn request<H: Host>(
    app: &App<H>,
    host: &H,
    limit: &Limit,
    address: IpAddr,
    caller: Option<Caller>,
) -> Result<Standing> {
    let (quota, now) = ((limit.quota)(&app.config), host.now());
    let subject = match (limit.per, caller) {
        (Per::User, Some(caller)) => caller.user.to_string(),
        _ => subscriber(address),
    };
    let key = app.config.auth.keys.signer().veiled(limit.name, &subject);
    let count = [count(&key, quota, now)];
    let counted = database::batch(host, &app.schema, Scope::Service, &count).await?;
    Standing::read(limit.name, quota, now, &counted[0])
}

/// What attempts at an account are counted under, before the address: `/` comes after `.`.
pub struct Account(String);

impl Account {
    /// `name` is the account's id or its address of mail; the table knows neither.
    pub fn new(key: &Key, name: &str) -> Self {
        Self(key.veiled("account", name))
    }

    /// Account and address together: nobody locks an owner out from elsewhere.
    pub fn key_from(&self, key: &Key, address: IpAddr) -> String {
        format!("{}.{}", self.0, key.veiled(&self.0, &subscriber(address)))
    }
}

/// The key of an account's attempts from an address.
pub fn account_key(keys: &Ring, name: &str, address: IpAddr) -> String {
    Account::new(keys.signer(), name).key_from(keys.signer(), address)
}

/// What one subscriber is given: an IPv4 address, or an IPv6 network of 64 bits.
fn subscriber(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}
