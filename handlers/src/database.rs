//! The way from handlers to the database.

use std::time::Duration;

use trireme_core::{
    host::{Database, Host, Phase, Scope},
    migrations::Schema,
    sql::{DatabaseError, Row, Statement, Value},
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
    schema: &Schema,
    scope: Scope,
    statements: &[Statement<'_>],
) -> Result<Vec<Vec<RowOf<H>>>, DatabaseError> {
    if host.phase() == Phase::Starting {
        return Err(DatabaseError::Behind("this instance is still starting".to_owned()));
    }
    let arguments = statements.iter().flat_map(|statement| &statement.arguments);
    if !arguments.into_iter().all(Value::is_finite) {
        return Err(DatabaseError::Failed(
            "a number that is given is none, or infinite".to_owned(),
        ));
    }
    let mut pauses = PAUSES.into_iter();
    loop {
        match host.database().batch(scope, statements).await {
            Err(DatabaseError::Conflict(cause)) => match pauses.next() {
                Some(most) => host.sleep(pause(host, most)).await,
                None => return Err(DatabaseError::Conflict(cause)),
            },
            Err(DatabaseError::Undefined(cause)) => return Err(why(host, schema, cause).await),
            Err(DatabaseError::Constraint(name)) => return Err(whose(host, scope, name).await),
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
async fn why<H: Host>(host: &H, schema: &Schema, cause: String) -> DatabaseError {
    let expected = schema.count();
    match applied(host, schema).await {
        Ok(applied) if applied >= expected => DatabaseError::Failed(cause),
        Ok(applied) => DatabaseError::Behind(format!(
            "{cause}; {applied} of the {expected} migrations that this build needs are applied: apply the others"
        )),
        Err(error) => error,
    }
}

/// What a row refers to is gone: is it the user or the session, which ended while the batch ran, or
/// is it something that the caller named?
async fn whose<H: Host>(host: &H, scope: Scope, constraint: String) -> DatabaseError {
    if scope != Scope::Service && constraint.ends_with("_fkey") {
        let enter = [Statement::read("-- enter\nSELECT 1", vec![])];
        if let Err(DatabaseError::SessionEnded) = host.database().batch(scope, &enter).await {
            return DatabaseError::SessionEnded;
        }
    }
    DatabaseError::Constraint(constraint)
}

/// How many of the schema's migrations are applied; 0 also where the books are from before there
/// were series, since none of these is complete then.
pub async fn applied<H: Host>(host: &H, schema: &Schema) -> Result<i64, DatabaseError> {
    let ask = [host.database().applied(*schema)];
    match host.database().batch(Scope::Service, &ask).await {
        Ok(rows) => {
            let count = rows[0].first().and_then(|row| row.get(0).ok());
            count.ok_or_else(|| DatabaseError::Failed("no answer".to_owned()))
        }
        Err(DatabaseError::Undefined(_)) => Ok(0),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use bytes::Bytes;
    use http::Response;
    use trireme_core::{
        Timestamp,
        host::{Backend, Busy, HostKind},
        http::call::{Call, FetchError},
        migrations::CORE,
        sqlite,
    };

    use super::*;

    /// A host whose database fails by these errors, the last one first, and then no more.
    struct Failing {
        errors: RefCell<Vec<DatabaseError>>,
        slept: Cell<Duration>,
    }

    impl Host for Failing {
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
        async fn fetch(&self, _: Call) -> Result<Response<Bytes>, FetchError> {
            Err(FetchError::Refused("nobody is called here"))
        }
        fn later(&self, _: impl AsyncFnOnce(&Self) + 'static) {}
    }

    impl Database for Failing {
        type Row = sqlite::Row;
        fn backend(&self) -> Backend {
            Backend::Sqlite
        }
        async fn batch(
            &self,
            _: Scope,
            _: &[Statement<'_>],
        ) -> Result<Vec<Vec<Self::Row>>, DatabaseError> {
            self.errors.borrow_mut().pop().map_or(Ok(Vec::new()), Err)
        }
    }

    /// How a batch ends that meets these errors, and how many milliseconds were waited.
    fn run(scope: Scope, errors: Vec<DatabaseError>) -> (Result<(), DatabaseError>, u128) {
        send(scope, errors, &[])
    }

    fn send(
        scope: Scope,
        errors: Vec<DatabaseError>,
        statements: &[Statement<'_>],
    ) -> (Result<(), DatabaseError>, u128) {
        let host = Failing { errors: errors.into(), slept: Cell::default() };
        let schema = Schema::of(CORE);
        let result =
            futures_util::FutureExt::now_or_never(batch(&host, &schema, scope, statements));
        let result = result.expect("nothing is really waited for");
        (result.map(drop), host.slept.get().as_millis())
    }

    fn ends(refuses: usize) -> (Result<(), trireme_core::Error>, u128) {
        let conflict = || DatabaseError::Conflict("40001".to_owned());
        let (result, waited) = run(Scope::Service, (0..refuses).map(|_| conflict()).collect());
        (result.map_err(Into::into), waited)
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

    #[test]
    fn what_is_no_number_is_not_sent() {
        let sent = |number: f64| {
            let weigh = Statement::write("-- weigh", vec![number.into()]);
            send(Scope::Service, vec![], &[weigh]).0.is_ok()
        };
        assert!(sent(f64::MAX) && sent(-0.0));
        assert!(!sent(f64::NAN) && !sent(f64::INFINITY) && !sent(f64::NEG_INFINITY));
    }

    #[test]
    fn a_reference_to_nothing_ends_a_session_only_where_that_is_what_is_gone() {
        let user = Scope::User { user: trireme_core::Uuid::nil(), session: None };
        let broken = |name: &str| DatabaseError::Constraint(name.to_owned());
        let ended = || DatabaseError::SessionEnded;
        let outcome = |scope, errors| run(scope, errors).0.unwrap_err().to_string();
        let [fkey, key] = ["notes_author_user_id_fkey", "notes_name_key"];
        assert_eq!(outcome(user, vec![ended(), broken(fkey)]), ended().to_string());
        assert_eq!(outcome(user, vec![broken(fkey)]), broken(fkey).to_string());
        assert_eq!(outcome(user, vec![ended(), broken(key)]), broken(key).to_string());
        assert_eq!(outcome(Scope::Service, vec![ended(), broken(fkey)]), broken(fkey).to_string());
    }
}
