use trireme_core::{
    Timestamp, Uuid,
    host::{Database, Host, Scope},
    sql::{DatabaseError, DecodeError, Row, Statement},
    sqlite::{self, Cell},
};

use crate::{App, auth::sweep, contexts, idempotency, rate_limit, tasks, users};

/// Something that is done now and then, as data: a part of the product adds a line to [`STEPS`].
pub struct Step {
    /// A label of metrics, and the name of its lease.
    pub name: &'static str,
    /// One row with how much is due; bounded, by an index.
    pub(super) due: fn(&App, Timestamp) -> Statement<'static>,
    work: Work,
}

type Piece = Result<Vec<Statement<'static>>, DecodeError>;

/// A piece is a batch of a few milliseconds, and each of its statements gives a row for each that
/// it has removed or changed. A piece that moves nothing ends the run of its step.
enum Work {
    /// The statements of a piece.
    Sweep(fn(&App, Timestamp) -> Vec<Statement<'static>>),
    /// Some of the records that wait, as `user_id, id` and what else it takes, and the statements
    /// of a piece of each.
    Each { some: fn() -> Statement<'static>, piece: fn(&dyn Row) -> Piece },
}

pub const STEPS: &[Step] = &[
    Step {
        name: "attempts",
        due: |_, now| rate_limit::due(now),
        work: Work::Sweep(|_, now| vec![rate_limit::sweep(now)]),
    },
    Step {
        name: "idempotency_keys",
        due: |_, now| idempotency::due(now),
        work: Work::Sweep(|_, now| vec![idempotency::sweep(now)]),
    },
    Step {
        name: "refresh_tokens",
        due: |_, now| sweep::tokens_due(now),
        work: Work::Sweep(|_, now| vec![sweep::tokens(now)]),
    },
    Step {
        name: "ended_sessions",
        due: |_, now| sweep::ended_sessions_due(now),
        work: Work::Sweep(|_, now| sweep::ended_sessions(now).into()),
    },
    Step {
        name: "unused_sessions",
        due: |app, now| sweep::unused_sessions_due(unused_since(app, now)),
        work: Work::Sweep(|app, now| sweep::unused_sessions(unused_since(app, now)).into()),
    },
    Step {
        name: "deleted_contexts",
        due: |_, _| contexts::sql::deleted_due(),
        work: Work::Each {
            some: contexts::sql::first_deleted,
            piece: |row| Ok(contexts::sql::remove(id(row, 0)?, id(row, 1)?).into()),
        },
    },
    Step {
        name: "deleted_accounts",
        due: |_, _| users::sql::deleted_due(),
        work: Work::Each {
            some: users::sql::first_deleted,
            piece: |row| Ok(users::remove::piece(id(row, 0)?)),
        },
    },
    Step {
        name: "tasks_to_fold",
        due: |_, _| tasks::sql::to_fold_due(),
        work: Work::Each {
            some: tasks::sql::to_fold,
            piece: |row| Ok(vec![tasks::sql::fold_anew(row)?]),
        },
    },
];

impl Step {
    /// What it asks and does, for whoever wants to see how the database goes about it.
    pub fn statements(&self, app: &App, now: Timestamp) -> Vec<Statement<'static>> {
        let mut all = vec![(self.due)(app, now)];
        match self.work {
            Work::Sweep(piece) => all.extend(piece(app, now)),
            Work::Each { some, piece } => {
                let nobody = || Cell::Text(Uuid::nil().to_string());
                let record = [nobody(), nobody(), Cell::Integer(1), Cell::Null, Cell::Null];
                all.push(some());
                let piece = piece(&sqlite::Row(record.into()));
                all.extend(piece.expect("the record has all that a piece reads"));
            }
        }
        all
    }

    /// The statements of the next piece; `None` when no record waits.
    pub(super) async fn piece<H: Host>(
        &self,
        app: &App,
        host: &H,
    ) -> Result<Option<Vec<Statement<'static>>>, DatabaseError> {
        let (some, piece) = match self.work {
            Work::Sweep(piece) => return Ok(Some(piece(app, host.now()))),
            Work::Each { some, piece } => (some, piece),
        };
        let rows = host.database().batch(Scope::Service, &[some()]).await?;
        let pieces: Result<Vec<_>, _> = rows[0].iter().map(|row| piece(row)).collect();
        let pieces = pieces.map_err(|error| DatabaseError::Failed(error.to_string()))?;
        Ok((!pieces.is_empty()).then(|| pieces.concat()))
    }
}

fn id(row: &dyn Row, column: usize) -> Result<Uuid, DecodeError> {
    row.uuid(column)?.ok_or(DecodeError { column })
}

fn unused_since(app: &App, now: Timestamp) -> Timestamp {
    now.minus(app.config.auth.refresh_token_ttl)
}
