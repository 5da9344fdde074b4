//! The way from handlers to the database.

use std::time::Duration;

use shared::{
    host::{Database, Host, Phase, Scope},
    migrations,
    sql::{DatabaseError, Row, Statement},
};

/// The rows of a host's database.
pub type RowOf<H> = <<H as Host>::Database as Database>::Row;

/// The longest pauses, in milliseconds, before a batch is sent again that met others on its way.
/// Nothing of it had happened.
const PAUSES: [u16; 8] = [5, 10, 20, 40, 80, 160, 320, 640];

/// Runs a batch; again, where transactions that met failed one another. Where the schema is not
/// yet what this build needs the error is [`DatabaseError::Behind`].
pub async fn batch<H: Host>(
    host: &H,
    scope: Scope,
    statements: &[Statement<'_>],
) -> Result<Vec<Vec<RowOf<H>>>, DatabaseError> {
    if host.phase() == Phase::Starting {
        return Err(DatabaseError::Behind("this instance is still starting".to_owned()));
    }
    let mut pauses = PAUSES.into_iter();
    loop {
        match host.database().batch(scope, statements).await {
            Err(DatabaseError::Conflict(cause)) => match pauses.next() {
                Some(most) => host.sleep(pause(host, most)).await,
                None => return Err(DatabaseError::Conflict(cause)),
            },
            Err(DatabaseError::Undefined(cause)) => return Err(why(host, cause).await),
            other => return other,
        }
    }
}

/// Some part of `most` milliseconds: those who met shall not meet again.
fn pause<H: Host>(host: &H, most: u16) -> Duration {
    let mut random = [0; 2];
    host.random(&mut random);
    Duration::from_micros(u64::from(most) * 1000 * u64::from(u16::from_le_bytes(random)) / 65_535)
}

/// A table or a function is missing: is the schema too old, or the code at fault?
async fn why<H: Host>(host: &H, cause: String) -> DatabaseError {
    let expected = expected(host);
    match applied(host).await {
        Ok(applied) if applied >= expected => DatabaseError::Failed(cause),
        Ok(applied) => DatabaseError::Behind(format!(
            "{cause}; the schema is at version {applied} and this build needs {expected}: apply the migrations"
        )),
        Err(error) => error,
    }
}

/// The newest migration that is applied; 0 where there is none yet.
pub async fn applied<H: Host>(host: &H) -> Result<i64, DatabaseError> {
    let ask = [host.database().schema_version()];
    match host.database().batch(Scope::Service, &ask).await {
        Ok(rows) => {
            let version = rows[0].first().and_then(|row| row.get(0).ok());
            version.ok_or_else(|| DatabaseError::Failed("no answer".to_owned()))
        }
        Err(DatabaseError::Undefined(_)) => Ok(0),
        Err(error) => Err(error),
    }
}

/// The newest migration of this build.
pub fn expected<H: Host>(host: &H) -> i64 {
    migrations::all(host.database().backend()).last().map_or(0, |migration| migration.version)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use shared::{
        Timestamp,
        host::{Backend, Busy, HostKind},
        sqlite,
    };

    use super::*;

    /// A host whose database refuses so many batches for what others do, and then no more.
    struct Busiest {
        refuses: Cell<usize>,
        slept: Cell<Duration>,
    }

    impl Host for Busiest {
        type Database = Self;
        fn kind(&self) -> HostKind {
            HostKind::Native
        }
        fn database(&self) -> &Self {
            self
        }
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(0)
        }
        fn random(&self, out: &mut [u8]) {
            out.fill(255);
        }
        async fn sleep(&self, duration: Duration) {
            self.slept.set(self.slept.get() + duration);
        }
        async fn compute<T: Send + 'static>(
            &self,
            work: impl FnOnce() -> T + Send + 'static,
        ) -> Result<T, Busy> {
            Ok(work())
        }
    }

    impl Database for Busiest {
        type Row = sqlite::Row;
        fn backend(&self) -> Backend {
            Backend::Sqlite
        }
        async fn batch(
            &self,
            _: Scope,
            _: &[Statement<'_>],
        ) -> Result<Vec<Vec<Self::Row>>, DatabaseError> {
            match self.refuses.get() {
                0 => Ok(Vec::new()),
                more => {
                    self.refuses.set(more - 1);
                    Err(DatabaseError::Conflict("40001".to_owned()))
                }
            }
        }
    }

    /// How a batch ends that is refused so often, and how many milliseconds were waited.
    fn ends(refuses: usize) -> (Result<(), shared::Error>, u128) {
        let host = Busiest { refuses: Cell::new(refuses), slept: Cell::default() };
        let result = futures_util::FutureExt::now_or_never(batch(&host, Scope::Service, &[]));
        let result = result.expect("nothing is really waited for");
        (result.map(drop).map_err(Into::into), host.slept.get().as_millis())
    }

    #[test]
    fn who_met_others_tries_again_within_bounds() {
        assert!(matches!(ends(0), (Ok(()), 0)));
        assert!(matches!(ends(3), (Ok(()), 35)));
        assert!(matches!(ends(8), (Ok(()), 1275)));
        let (refused, waited) = ends(9);
        let refused = refused.unwrap_err();
        assert_eq!((refused.code.as_str(), refused.retry_after), ("overloaded", Some(1)));
        assert_eq!(waited, 1275);
    }
}
