//! Whether an account's deletion finds all that belongs to it.

use trireme::admin::unnamed_tables;

use super::report::Report;
use crate::database::Database;

const CHECK: &str = "tables";

/// Holds the tables that have a `user_id` against those that the product names.
pub async fn examine(database: &Database, named: &[&str], report: &mut Report) {
    match unnamed_tables(database, named).await {
        Ok(unnamed) if unnamed.is_empty() => {
            report.ok(CHECK, "The product names every table that has a user_id.");
        }
        Ok(unnamed) => report.warning(
            CHECK,
            format!("Not among the product's TABLES: {}.", unnamed.join(", ")),
            "What a deleted account has there goes in one piece if a foreign key says so, and else stays. Name it in TABLES.",
        ),
        Err(error) => report.problem(CHECK, format!("{error}."), "Mend that first."),
    }
}
