//! `trireme doctor`: what is at the other end of DATABASE_URL, and whether it will do.

mod postgres;
mod report;
mod sqlite;
mod tables;

use trireme_core::{
    config::{Config, DatabaseUrl},
    migrations::{Schema, Series},
};

use self::report::Report;
use super::{
    Failure, configuration_with,
    output::{say, say_json},
    runtime, variable,
};
use crate::database::{
    Database,
    migrate::{MigrateError, State},
};
use crate::{Program, program::name};

#[derive(clap::Args)]
#[command(after_help = "\
It looks and changes nothing. Exit code 1 when something is a problem, 0 for warnings.

Examples:
  trireme doctor                                   the database of DATABASE_URL
  trireme doctor postgres://me@db.example.com/app  another one")]
pub struct Args {
    /// A database to look at instead of DATABASE_URL's
    // As many as there are: a blank that nobody quoted has to be found in the URL, and not by a
    // parser that shows what is behind it.
    #[arg(value_name = "URL")]
    url: Vec<String>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub fn run(program: &Program, args: &Args) -> Result<(), Failure> {
    let given = !args.url.is_empty();
    let config = configuration_with(program, |name| match name {
        "DATABASE_URL" if given => Some(args.url.join(" ")),
        // It belongs to the other database.
        "DIRECT_DATABASE_URL" if given => None,
        name => variable(name),
    })?;
    let report = runtime()?.block_on(examine(&config, program))?;
    if args.json {
        say_json(&report.to_json())?;
    } else {
        say(report.to_text())?;
    }
    match report.problems() {
        0 => Ok(()),
        1 => Err(Failure::no("There is a problem with the database.")),
        count => Err(Failure::no(format!("There are {count} problems with the database."))),
    }
}

async fn examine(config: &Config, program: &Program) -> Result<Report, Failure> {
    let series = program.series;
    let mut report = Report::default();
    let reached = match &config.database.url {
        DatabaseUrl::Postgres(url) => {
            postgres::examine(url, &config.database, Schema::of(series), &mut report).await?
        }
        DatabaseUrl::Sqlite(path) => sqlite::examine(path, &mut report),
        // Opening it says that it is not to be had.
        DatabaseUrl::Binding(..) => true,
    };
    if reached {
        let database = Database::open(&config.database)?;
        if schema(&database, series, &mut report).await {
            tables::examine(&database, program.tables, &mut report).await;
        }
    }
    Ok(report)
}

/// Whether the schema is the one that this build needs.
async fn schema(database: &Database, series: Series, report: &mut Report) -> bool {
    const CHECK: &str = "schema";
    let migrator = database.migrator(series);
    let all = match migrator.status().await {
        Ok(all) => all,
        Err(error) => {
            report.problem(CHECK, error.sentence(), "Mend that first.");
            return false;
        }
    };
    let pending: Vec<_> =
        all.iter().filter(|it| it.state == State::Pending).map(|it| it.name.as_str()).collect();
    let applied = all.len() - pending.len();
    match migrator.pending(None).await {
        // That is told by the checks before this one.
        Err(MigrateError::Lacking(_)) | Ok(_) if !pending.is_empty() => report.warning(
            CHECK,
            format!(
                "Migrations: {applied} of {} applied; pending: {}.",
                all.len(),
                pending.join(", ")
            ),
            format!("Run `{} migrate`, or let serving do it (MIGRATE_ON_START).", name()),
        ),
        Err(MigrateError::Lacking(_)) | Ok(_) => {
            report.ok(CHECK, format!("All {applied} migrations of this build are applied."));
        }
        Err(error) => report.problem(
            CHECK,
            error.sentence(),
            "Let the build and the database be of one time: another build, or a backup.",
        ),
    }
    pending.is_empty()
}
