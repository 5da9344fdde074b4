use shared::{
    Timestamp, Uuid,
    host::{Database, Host, Scope},
    sql::{DatabaseError, Row, Statement},
};

use crate::{App, auth::sweep, contexts, idempotency, rate_limit, users};

/// Something that is done now and then, as data: a part of the product adds a line to [`STEPS`].
pub struct Step {
    /// A label of metrics, and the name of its lease.
    pub name: &'static str,
    /// One row with how much is due; bounded, by an index.
    pub(super) due: fn(&App, Timestamp) -> Statement<'static>,
    work: Work,
}

/// A piece is a batch of a few milliseconds, and each of its statements gives a row for each that
/// it has removed or changed. A piece that moves nothing ends the run of its step.
enum Work {
    /// The statements of a piece.
    Sweep(fn(&App, Timestamp) -> Vec<Statement<'static>>),
    /// The first record that waits, as `user_id, id`, and the statements of a piece of it.
    Each { first: fn() -> Statement<'static>, piece: fn(Uuid, Uuid) -> Vec<Statement<'static>> },
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
            first: contexts::sql::first_deleted,
            piece: |user, id| contexts::sql::remove(user, id).into(),
        },
    },
    Step {
        name: "deleted_accounts",
        due: |_, _| users::sql::deleted_due(),
        work: Work::Each {
            first: users::sql::first_deleted,
            piece: |user, _| users::remove::piece(user),
        },
    },
];

impl Step {
    /// What it asks and does, for whoever wants to see how the database goes about it.
    pub fn statements(&self, app: &App, now: Timestamp) -> Vec<Statement<'static>> {
        let mut all = vec![(self.due)(app, now)];
        match self.work {
            Work::Sweep(piece) => all.extend(piece(app, now)),
            Work::Each { first, piece } => {
                all.push(first());
                all.extend(piece(Uuid::nil(), Uuid::nil()));
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
        let (first, piece) = match self.work {
            Work::Sweep(piece) => return Ok(Some(piece(app, host.now()))),
            Work::Each { first, piece } => (first, piece),
        };
        let rows = host.database().batch(Scope::Service, &[first()]).await?;
        let Some(row) = rows[0].first() else { return Ok(None) };
        let id = |column| row.get(column).map_err(|error| DatabaseError::Failed(error.to_string()));
        Ok(Some(piece(id(0)?, id(1)?)))
    }
}

fn unused_since(app: &App, now: Timestamp) -> Timestamp {
    now.minus(app.config.auth.refresh_token_ttl)
}
