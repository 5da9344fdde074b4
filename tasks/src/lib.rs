//! The reference product: tasks, and contexts that they are sorted by. It is made of what any
//! product has to hand.

mod codes;
pub mod contexts;
mod maintenance;
mod routes;
pub mod tasks;

use trireme::{
    About, Described, Product, Route, Tag, error::Documented, host::Host, maintenance::Step,
    migrations::Migrations,
};

pub struct Tasks;

impl Product for Tasks {
    const NAME: &'static str = "tasks";
    const ABOUT: About = About {
        title: "Trireme",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Accounts, tokens, and records that only their owner can see.",
        license: Some("MIT OR Apache-2.0"),
        tags: &[
            Tag { name: "contexts", description: "What tasks are sorted by." },
            Tag { name: "tasks", description: "Tasks." },
        ],
        ..About::NONE
    };
    const DOCUMENT: &'static [u8] = trireme::document!("../openapi.json");
    const TABLES: &'static [&'static str] = &["tasks", "contexts"];
    const MIGRATIONS: Migrations = trireme::migrations! { "../migrations":
        2 "0002_contexts_and_tasks",
        4 "0004_maintenance",
        5 "0005_folding",
        7 "0007_folding_anywhere",
    };
    const MAINTENANCE: &'static [Step] = maintenance::STEPS;
    const CODES: &'static [Documented] = codes::CODES;

    fn routes<H: Host>() -> Vec<Route<H>> {
        routes::routes()
    }
    fn operations() -> Vec<Described> {
        routes::operations()
    }
}
