use trireme_core::{
    Timestamp, Uuid,
    config::Config,
    host::{Database, Host, Scope},
    names::{is_same, is_snake},
    sql::{DatabaseError, DecodeError, Row, Statement},
    sqlite::{self, Cell},
};

use crate::{App, auth::sweep, idempotency, mail, rate_limit, users};

/// Something that is done now and then, as data.
pub struct Step {
    /// A label of metrics, and the name of its lease.
    pub name: &'static str,
    /// One row with how much is due; bounded, by an index.
    pub(super) due: Due,
    work: Work,
}

type Due = fn(&Config, Timestamp) -> Statement<'static>;
type Sweep = fn(&Config, Timestamp) -> Vec<Statement<'static>>;
type Piece = fn(&dyn Row) -> Result<Vec<Statement<'static>>, DecodeError>;

/// A piece is a batch of a few milliseconds, and each of its statements gives a row for each that
/// it has removed or changed. A piece that moves nothing ends the run of its step.
enum Work {
    Sweep(Sweep),
    Each {
        some: fn() -> Statement<'static>,
        piece: Piece,
    },
    /// What is left of deleted accounts, in the core's tables and the product's.
    Accounts,
    /// Letters: one is sent, and then noted as such.
    Mail,
}

/// The core's own.
pub(super) const STEPS: &[Step] = &[
    Step::sweep("attempts", |_, now| rate_limit::due(now), |_, now| vec![rate_limit::sweep(now)]),
    Step::sweep(
        "idempotency_keys",
        |_, now| idempotency::due(now),
        |_, now| vec![idempotency::sweep(now)],
    ),
    Step::sweep(
        "refresh_tokens",
        |_, now| sweep::tokens_due(now),
        |_, now| vec![sweep::tokens(now)],
    ),
    Step::sweep(
        "ended_sessions",
        |_, now| sweep::ended_sessions_due(now),
        |_, now| sweep::ended_sessions(now).into(),
    ),
    Step::sweep(
        "unused_sessions",
        |config, now| sweep::unused_sessions_due(unused_since(config, now)),
        |config, now| sweep::unused_sessions(unused_since(config, now)).into(),
    ),
    Step { name: "deleted_accounts", due: |_, _| users::sql::deleted_due(), work: Work::Accounts },
    Step { name: "letters", due: |_, now| mail::due(now), work: Work::Mail },
    Step::sweep("old_letters", |_, now| mail::old(now), |_, now| vec![mail::sweep(now)]),
];

/// Does not compile, in a constant, where a product's step has the name of another or of one of the
/// core's: one would wait for the other's lease.
pub(crate) const fn distinct(steps: &[Step]) {
    let mut at = 0;
    while at < steps.len() {
        assert!(is_snake(steps[at].name), "a step is called like this_1");
        assert!(!has(STEPS, STEPS.len(), steps[at].name), "the core has a step of this name");
        assert!(!has(steps, at, steps[at].name), "two steps have the same name");
        at += 1;
    }
}

/// Whether one of the first `count` has the name.
const fn has(steps: &[Step], count: usize, name: &str) -> bool {
    let mut at = 0;
    while at < count {
        if is_same(steps[at].name, name) {
            return true;
        }
        at += 1;
    }
    false
}

impl Step {
    /// Removes or changes rows by a condition. `due` asks for one row with how many wait, counted
    /// to a bound and by an index; `piece` is a batch of a few milliseconds, of which each
    /// statement gives a row for each that it has moved. It is asked for until none moves any.
    ///
    /// ```
    /// use trireme::{maintenance::Step, sql::Statement};
    ///
    /// const OLD_OFFERS: Step = Step::sweep(
    ///     "old_offers",
    ///     |_, now| Statement::read(
    ///         "-- count_old_offers
    ///          SELECT count(*) FROM (SELECT 1 FROM offers WHERE ends_at <= $1 LIMIT 1000000) AS due",
    ///         vec![now.into()],
    ///     ),
    ///     |_, now| vec![Statement::write(
    ///         "-- sweep_offers
    ///          DELETE FROM offers WHERE id IN (
    ///              SELECT id FROM offers WHERE ends_at <= $1 ORDER BY ends_at LIMIT 1000
    ///          ) RETURNING 1 AS gone",
    ///         vec![now.into()],
    ///     )],
    /// );
    /// ```
    pub const fn sweep(name: &'static str, due: Due, piece: Sweep) -> Self {
        Self { name, due, work: Work::Sweep(piece) }
    }

    /// Works through records one by one: `some` asks for a few of those that wait, as `user_id, id`
    /// and what else is needed; `piece` makes of each row the statements for it. See
    /// [`Step::sweep`] for `due`, and for what statements give.
    pub const fn each(
        name: &'static str,
        due: Due,
        some: fn() -> Statement<'static>,
        piece: Piece,
    ) -> Self {
        Self { name, due, work: Work::Each { some, piece } }
    }

    /// What it asks and does, for whoever wants to see how the database goes about it.
    pub fn statements<H: Host>(&self, app: &App<H>, now: Timestamp) -> Vec<Statement<'static>> {
        let mut all = vec![(self.due)(&app.config, now)];
        match self.work {
            Work::Sweep(piece) => all.extend(piece(&app.config, now)),
            Work::Each { some, piece } => {
                let nobody = || Cell::Text(Uuid::nil().to_string());
                let record = [nobody(), nobody(), Cell::Integer(1), Cell::Null, Cell::Null];
                all.push(some());
                let piece = piece(&sqlite::Row(record.into()));
                all.extend(piece.expect("the record has all that a piece reads"));
            }
            Work::Mail => all.extend(mail::statements(now)),
            Work::Accounts => {
                all.push(users::sql::first_deleted());
                all.extend(users::remove::piece(app.product.tables, Uuid::nil()));
            }
        }
        all
    }

    /// The statements of the next piece; `None` when no record waits.
    pub(super) async fn piece<H: Host>(
        &self,
        app: &App<H>,
        host: &H,
    ) -> Result<Option<Vec<Statement<'static>>>, DatabaseError> {
        let some = match self.work {
            Work::Sweep(piece) => return Ok(Some(piece(&app.config, host.now()))),
            Work::Mail => return Ok(mail::next(app, host).await?.map(|noted| vec![noted])),
            Work::Each { some, .. } => some(),
            Work::Accounts => users::sql::first_deleted(),
        };
        let rows = host.database().batch(Scope::Service, &[some]).await?;
        let pieces = rows[0].iter().map(|row| match self.work {
            Work::Each { piece, .. } => piece(row),
            _ => Ok(users::remove::piece(app.product.tables, id(row, 0)?)),
        });
        let pieces: Result<Vec<_>, _> = pieces.collect();
        let pieces = pieces.map_err(|error| DatabaseError::Failed(error.to_string()))?;
        Ok((!pieces.is_empty()).then(|| pieces.concat()))
    }
}

fn id(row: &dyn Row, column: usize) -> Result<Uuid, DecodeError> {
    row.uuid(column)?.ok_or(DecodeError { column })
}

fn unused_since(config: &Config, now: Timestamp) -> Timestamp {
    now.minus(config.auth.refresh_token_ttl)
}
