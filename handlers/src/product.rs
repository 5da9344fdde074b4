//! What a product gives to the core: data and functions, put together when a program starts.

mod check;

use serde_json::Value;
use trireme_core::{
    config::Variable,
    error::Documented,
    host::Host,
    migrations::{Migrations, Series},
};

use crate::{
    endpoint::Route,
    mail::Template,
    maintenance::Step,
    openapi::{self, Described},
    routes,
};

pub(crate) use check::{check, table};

/// A product: its endpoints, tables and words. A program of a host's is made for one.
///
/// ```
/// use trireme::{About, Described, Product, Route, host::Host};
///
/// struct Harbour;
///
/// impl Product for Harbour {
///     const NAME: &'static str = "harbour";
///     const ABOUT: About = About {
///         title: "Harbour",
///         version: env!("CARGO_PKG_VERSION"),
///         summary: "Berths and who lies there.",
///         ..About::NONE
///     };
///     // trireme::document!("../openapi.json"), as `harbour openapi` prints it.
///     const DOCUMENT: &'static [u8] = b"{}";
///
///     // Both by `trireme::routes!`.
///     fn routes<H: Host>() -> Vec<Route<H>> {
///         Vec::new()
///     }
///     fn operations() -> Vec<Described> {
///         Vec::new()
///     }
/// }
///
/// assert_eq!(trireme::document::<Harbour>()["info"]["title"], "Harbour");
/// ```
pub trait Product: 'static {
    /// Of its series of migrations: letters from a to z, digits, `_`. The core's is `trireme`.
    const NAME: &'static str;
    const ABOUT: About;
    /// The OpenAPI document as every host serves it, by [`document!`](crate::document!): to derive it
    /// anew takes an edge host longer than a request.
    const DOCUMENT: &'static [u8];
    /// Every table that has a `user_id`, children before their parents: what an account's deletion
    /// removes, in pieces. Rows of a piece are told apart by their `id`, or by another column where
    /// one is named, as in `lines.number`.
    const TABLES: &'static [&'static str] = &[];
    /// Its migrations, by [`migrations!`](crate::migrations!); the core's are applied before them.
    const MIGRATIONS: Migrations = Migrations::NONE;
    /// What operators can set besides the core's variables, each declared as
    /// [`Variable`](crate::config::Variable) shows; read by [`Context::settings`](crate::Context::settings).
    const VARIABLES: &'static [Variable] = &[];
    /// What is done beside requests, after the core's own.
    const MAINTENANCE: &'static [Step] = &[];
    /// Letters in its own words: before the core's, or in a language that the core has not.
    const MAIL: &'static [Template] = &[];
    /// Its faults besides the core's, by [`codes!`](crate::codes!).
    const CODES: &'static [Documented] = &[];

    /// By [`routes!`](crate::routes!).
    fn routes<H: Host>() -> Vec<Route<H>>;
    /// By [`routes!`](crate::routes!). Nothing that serves may call it.
    fn operations() -> Vec<Described>;
}

/// What a product's documents say of it as a whole.
#[derive(Clone, Copy, Debug)]
pub struct About {
    pub title: &'static str,
    /// Also what `/health` and `--version` say.
    pub version: &'static str,
    pub summary: &'static str,
    /// Markdown, before what the core says of bodies, errors and pages.
    pub description: &'static str,
    /// An SPDX expression.
    pub license: Option<&'static str>,
    /// A sentence for each resource: the part of a path behind `/api/v1/`.
    pub tags: &'static [Tag],
}

/// A resource, as documents name it.
#[derive(Clone, Copy, Debug)]
pub struct Tag {
    pub name: &'static str,
    pub description: &'static str,
}

impl About {
    /// Nothing said, for `..About::NONE`.
    pub const NONE: Self =
        Self { title: "", version: "", summary: "", description: "", license: None, tags: &[] };
}

/// All that a product can be asked for: the core's, then its own.
pub fn operations<P: Product>() -> Vec<Described> {
    let mut all = routes::operations();
    all.extend(P::operations());
    all
}

/// A product's migrations under its name.
pub const fn series<P: Product>() -> Series {
    Series { name: P::NAME, migrations: P::MIGRATIONS }
}

/// The OpenAPI 3.1 document of a product.
pub fn document<P: Product>() -> Value {
    openapi::document(&P::ABOUT, P::CODES, &operations::<P>())
}
