//! `trireme migrate`: the schema, brought up to this build.

mod d1;

use std::path::PathBuf;

use serde_json::{Value, json};
use trireme_core::migrations::{Migration, Series};

use super::{
    Failure, configuration,
    output::{Progress, say, say_json, table},
    runtime, serve,
};
use crate::database::{
    Database,
    migrate::{Done, MigrateError, State, Status},
};
use crate::{Program, program::name};

#[derive(clap::Args)]
#[command(after_help = "\
Each migration is one transaction: it is applied as a whole or not at all. Several of these at once
apply everything once. Serving does the same first, unless MIGRATE_ON_START is false.

There is no way back: restore a backup. DIRECT_DATABASE_URL is used if it is set, past a pooler.

Examples:
  trireme migrate --status      what is applied; exit code 1 unless that is what this build needs
  trireme migrate --dry-run     what would be applied
  trireme migrate               apply it
  trireme migrate --d1 FOLDER   write the files for `wrangler d1 migrations apply`")]
pub struct Args {
    /// Show every migration and when it was applied; change nothing
    #[arg(long, conflicts_with_all = ["to", "dry_run"])]
    status: bool,
    /// Stop after this version; the product's migrations come after all of the core's
    #[arg(long, value_name = "VERSION")]
    to: Option<i64>,
    /// Show what would be applied; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Write what is new into the folder that wrangler migrates D1 by; asks no database
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["status", "to", "dry_run", "json"])]
    d1: Option<PathBuf>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub fn run(program: &Program, args: &Args) -> Result<(), Failure> {
    let series = program.series;
    if let Some(folder) = &args.d1 {
        return d1::write(series, folder);
    }
    let config = configuration(program)?;
    runtime()?.block_on(async {
        let database = serve::open(&config)?;
        if args.status {
            status(&database, series, args.json).await
        } else if args.dry_run {
            let pending = database.migrator(series).pending(args.to).await?;
            show_pending(&pending, args.json)
        } else {
            apply(&database, series, args).await
        }
    })
}

impl From<MigrateError> for Failure {
    fn from(error: MigrateError) -> Self {
        let text = error.sentence();
        let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
        Self::no(format!("{}{rest}", first.to_uppercase()))
    }
}

async fn status(database: &Database, series: Series, json: bool) -> Result<(), Failure> {
    let all = database.migrator(series).status().await?;
    if json {
        let all: Vec<_> = all.iter().map(document).collect();
        say_json(&json!({ "migrations": all }))?;
    } else {
        say(table(&all.iter().map(row).collect::<Vec<_>>()))?;
    }
    let missing = all.iter().filter(|it| it.state == State::Pending).count();
    if all.iter().all(|it| matches!(it.state, State::Applied { .. })) {
        return Ok(());
    }
    // What does not fit is told as applying would tell it.
    database.migrator(series).pending(None).await?;
    Err(Failure::no(format!("{} pending: run `{} migrate`.", migrations(missing), name())))
}

async fn apply(database: &Database, series: Series, args: &Args) -> Result<(), Failure> {
    let migrator = database.migrator(series);
    let mut progress = Progress::new(migrator.pending(args.to).await?.len());
    let result = migrator.migrate(args.to, |done| progress.step(&named(&done.migration))).await;
    drop(progress);
    let done = result?;
    if args.json {
        let done: Vec<_> = done.iter().map(applied).collect();
        say_json(&json!({ "applied": done }))
    } else if done.is_empty() {
        say("Nothing to do: the schema is what this build needs.")
    } else {
        let line = |it: &Done| [named(&it.migration), format!("{} ms", it.took.as_millis())];
        say(table(&done.iter().map(line).collect::<Vec<_>>()))?;
        say(format_args!("{} applied.", migrations(done.len())))
    }
}

fn show_pending(pending: &[Migration], json: bool) -> Result<(), Failure> {
    if json {
        let pending: Vec<_> = pending
            .iter()
            .map(|it| json!({ "series": it.series, "version": it.version, "name": it.name }))
            .collect();
        say_json(&json!({ "pending": pending }))
    } else if pending.is_empty() {
        say("Nothing to do: the schema is what this build needs.")
    } else {
        let names: Vec<_> = pending.iter().map(named).collect();
        say(format_args!("{}\n{} would be applied.", names.join("\n"), migrations(names.len())))
    }
}

fn named(migration: &Migration) -> String {
    format!("{} {}", migration.series, migration.name)
}

fn migrations(count: usize) -> String {
    if count == 1 { "1 migration".to_owned() } else { format!("{count} migrations") }
}

fn applied(done: &Done) -> Value {
    let Migration { series, version, name, .. } = done.migration;
    json!({ "series": series, "version": version, "name": name, "milliseconds": done.took.as_millis() as u64 })
}

fn document(status: &Status) -> Value {
    let at = match status.state {
        State::Applied { at } => Some(at),
        State::Pending | State::Changed | State::Unknown => None,
    };
    json!({
        "series": status.series,
        "version": status.version,
        "name": status.name,
        "state": status.state.as_str(),
        "applied_at": at,
    })
}

fn row(status: &Status) -> [String; 4] {
    let state = match status.state {
        State::Applied { at } => format!("applied {}", &*at.rfc3339()),
        State::Pending => "pending".to_owned(),
        State::Changed => "changed since it was applied".to_owned(),
        State::Unknown => "not known to this build".to_owned(),
    };
    [status.series.clone(), status.version.to_string(), status.name.clone(), state]
}
