//! Who is at a step: a row that runs out unless its holder says so again with each piece. It rests
//! on no session of the database, so that it holds through a pooler.

use std::time::Duration;

use trireme_core::{
    Timestamp, Uuid,
    host::{Database, Host, Scope},
    sql::{DatabaseError, Statement},
};

/// How long a holder that is never heard of again keeps others waiting. A piece takes a small
/// part of it, and instances' clocks differ by less.
const LEASE: Duration = Duration::from_secs(30);

/// A lease that lasts for longer yet is of a clock that was far ahead, and nobody's.
const LONGEST: Duration = Duration::from_secs(120);

/// Takes a lease that nobody has; whether it did.
pub async fn take<H: Host>(host: &H, step: &str, holder: Uuid) -> Result<bool, DatabaseError> {
    let statement = renew(step, holder, host.now());
    let rows = host.database().batch(Scope::Service, &[statement]).await?;
    Ok(!rows[0].is_empty())
}

/// Takes the lease, or holds it for longer; a row says that it is `holder`'s.
pub fn renew(step: &str, holder: Uuid, now: Timestamp) -> Statement<'_> {
    Statement::write(
        "-- take_lease
         INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET holder = $2, until = $3
         WHERE leases.holder = $2 OR leases.until <= $4 OR leases.until > $5
         RETURNING name",
        vec![
            step.into(),
            holder.into(),
            now.plus(LEASE).into(),
            now.into(),
            now.plus(LONGEST).into(),
        ],
    )
}

pub async fn give_back<H: Host>(host: &H, step: &str, holder: Uuid) -> Result<(), DatabaseError> {
    let statement = Statement::write(
        "-- give_back_lease\nDELETE FROM leases WHERE name = $1 AND holder = $2",
        vec![step.into(), holder.into()],
    );
    host.database().batch(Scope::Service, &[statement]).await.map(drop)
}
