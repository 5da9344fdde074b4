//! What is done beside requests: a list of `steps`, each worked off in small pieces while
//! requests are served. A host calls [`run`] by its own trigger: in the background, by cron, by
//! `trireme maintain`. Of all instances one at a time is at a step, by a lease in the database.

mod lease;
mod steps;

use std::time::Duration;

use serde::Serialize;
use trireme_core::{
    Uuid,
    host::{Database, Host, Scope},
    sql::{DatabaseError, Row},
};

use crate::App;

use steps::STEPS;
pub use steps::Step;
pub(crate) use steps::distinct;

/// Between two pieces, at the least; it is as long as the piece took.
const PAUSE: Duration = Duration::from_millis(10);

/// What became of a step in one run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub step: &'static str,
    /// What was due when the run began, counted up to a million.
    pub due: i64,
    /// Rows that were removed or changed; an account or a context has many.
    pub rows: u64,
    pub pieces: u32,
    pub milliseconds: i64,
    pub outcome: Outcome,
    /// Why it failed, for the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing is due any more.
    Done,
    /// The run was over before the work was.
    Unfinished,
    /// Another instance is at it.
    Elsewhere,
    Failed,
}

impl<H: Host> App<H> {
    /// All steps: the core's, then the product's.
    pub fn steps(&self) -> impl Iterator<Item = &'static Step> {
        steps(self.product.steps)
    }
}

/// The core's steps, then a product's.
pub fn steps(product: &'static [Step]) -> impl Iterator<Item = &'static Step> {
    STEPS.iter().chain(product)
}

/// One run over all steps, each with at most `pieces` of its pieces. An error means that not even
/// what is due could be asked; a step that fails does not keep the others from theirs.
pub async fn run<H: Host>(
    app: &App<H>,
    host: &H,
    pieces: u32,
) -> Result<Vec<Report>, DatabaseError> {
    let now = host.now();
    let questions: Vec<_> = app.steps().map(|step| (step.due)(&app.config, now)).collect();
    let answers = host.database().batch(Scope::Service, &questions).await?;
    let mut reports = Vec::with_capacity(questions.len());
    for (step, rows) in app.steps().zip(&answers) {
        let due = rows.first().map_or(Ok(0), |row| row.get(0));
        let due = due.map_err(|error| DatabaseError::Failed(error.to_string()))?;
        let mut report = Report {
            step: step.name,
            due,
            rows: 0,
            pieces: 0,
            milliseconds: 0,
            outcome: Outcome::Done,
            cause: None,
        };
        if due > 0 {
            work(app, host, step, pieces, &mut report).await;
        }
        reports.push(report);
    }
    Ok(reports)
}

async fn work<H: Host>(app: &App<H>, host: &H, step: &Step, pieces: u32, report: &mut Report) {
    let started = host.now();
    let holder = app.ids.next(host, started);
    let result = match lease::take(host, step.name, holder).await {
        Ok(true) => {
            let result = pieces_of(app, host, step, holder, pieces, report).await;
            // If this fails, the lease runs out by itself.
            let _ = lease::give_back(host, step.name, holder).await;
            result
        }
        Ok(false) => Ok(Outcome::Elsewhere),
        Err(error) => Err(error),
    };
    report.outcome = result.unwrap_or_else(|error| {
        report.cause = Some(error.to_string());
        Outcome::Failed
    });
    report.milliseconds = host.now().millis() - started.millis();
}

async fn pieces_of<H: Host>(
    app: &App<H>,
    host: &H,
    step: &Step,
    holder: Uuid,
    pieces: u32,
    report: &mut Report,
) -> Result<Outcome, DatabaseError> {
    while report.pieces < pieces {
        let begun = host.now();
        let Some(piece) = step.piece(app, host).await? else { return Ok(Outcome::Done) };
        let mut statements = vec![lease::renew(step.name, holder, begun)];
        statements.extend(piece);
        let rows = host.database().batch(Scope::Service, &statements).await?;
        let moved: usize = rows[1..].iter().map(Vec::len).sum();
        report.rows += moved as u64;
        report.pieces += 1;
        if moved == 0 {
            return Ok(Outcome::Done);
        }
        // Held up for longer than the lease: somebody else goes on.
        if rows[0].is_empty() {
            return Ok(Outcome::Elsewhere);
        }
        let took = host.now().millis() - begun.millis();
        host.sleep(PAUSE.max(Duration::from_millis(took.unsigned_abs()))).await;
    }
    Ok(Outcome::Unfinished)
}
