//! @Title@.

use trireme::{About, Described, Host, Product, Route, Tag, migrations::Migrations};

pub struct @Product@;

impl Product for @Product@ {
    const NAME: &'static str = "@series@";
    const ABOUT: About = About {
        title: "@Title@",
        version: env!("CARGO_PKG_VERSION"),
        summary: "What @Title@ keeps for its users.",
        tags: &[],
        ..About::NONE
    };
    const DOCUMENT: &'static [u8] = trireme::document!("../openapi.json");
    const MIGRATIONS: Migrations = trireme::migrations! {
        "../migrations":
    };
    /// What an account's deletion removes: children before their parents.
    const TABLES: &'static [&'static str] = &[];

    fn routes<H: Host>() -> Vec<Route<H>> {
        routes()
    }
    fn operations() -> Vec<Described> {
        operations()
    }
}

trireme::routes! {
}
