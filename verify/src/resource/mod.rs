//! The standard checks of a resource: what every collection of records under one path promises,
//! by a declaration of its fields.

mod conditional;
mod constraints;
mod fields;
mod filters;
mod idempotency;
mod input;
mod isolation;
mod kind;
mod methods;
mod pages;
mod patches;
mod records;
mod representations;
mod story;
mod values;

use std::pin::Pin;

pub use kind::{Field, Filter, Literal};

use crate::context::Context;
use crate::outcome::Verdict;

/// A collection of records that belong to their user: `GET` and `POST` at its path, `GET`, `PATCH`
/// and `DELETE` at the path of each. Put into a table by [`checks!`](crate::checks!), it is held
/// to what such resources promise: members, faults, patches, isolation, tags, retries, pages.
///
/// A record has the declared fields and `id`, `created_at`, `updated_at`, `version`.
///
/// ```
/// use trireme_verify::{Field, Filter, Literal, Resource};
///
/// pub const BOATS: Resource =
///     Resource::new("/api/v1/boats", &[Field::text("name", 1, 100).required().visible().unique("name_taken")])
///         .sorts(&["created_at", "name"]);
///
/// pub const OARS: Resource = Resource::new(
///     "/api/v1/oars",
///     &[
///         Field::choice("side", &["port", "starboard"]).required(),
///         Field::choice("state", &["new", "worn"]).default(Literal::Text("new")),
///         Field::integer("length_mm", 1, 10_000),
///         Field::time("oiled_at"),
///         Field::reference("boat_id", &BOATS),
///     ],
/// )
/// .sorts(&["created_at", "oiled_at"])
/// .filters(&[Filter::equal("side"), Filter::after("oiled_after", "oiled_at")]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Resource {
    pub path: &'static str,
    pub(crate) fields: &'static [Field],
    pub(crate) computed: &'static [&'static str],
    pub(crate) sorts: &'static [&'static str],
    pub(crate) filters: &'static [Filter],
}

impl Resource {
    /// What a caller may say of a record. Its lists can be sorted by `created_at` and
    /// `updated_at` unless [`sorts`](Self::sorts) says otherwise.
    pub const fn new(path: &'static str, fields: &'static [Field]) -> Self {
        Self { path, fields, computed: &[], sorts: &["created_at", "updated_at"], filters: &[] }
    }

    /// Members that the server alone sets, beyond those that every record has.
    pub const fn computed(mut self, members: &'static [&'static str]) -> Self {
        self.computed = members;
        self
    }

    /// Members that lists can be sorted by, either way.
    pub const fn sorts(mut self, members: &'static [&'static str]) -> Self {
        self.sorts = members;
        self
    }

    pub const fn filters(mut self, filters: &'static [Filter]) -> Self {
        self.filters = filters;
        self
    }
}

/// A check that every resource has.
pub(crate) type Standard =
    for<'a> fn(&'a Context, &'static Resource) -> Pin<Box<dyn Future<Output = Verdict> + 'a>>;

macro_rules! standard {
    ($($file:ident { $($name:ident),+ $(,)? })+) => {
        pub(crate) const STANDARD: &[(&str, Standard)] =
            &[$($((stringify!($name), |context, resource| Box::pin($file::$name(context, resource)))),+),+];
    };
}

standard! {
    story { story, defaults }
    input {
        faults_all_at_once, each_fault, unknown_members, unknown_queries, bodies, too_large,
    }
    fields { texts, lengths, times }
    constraints { taken, references }
    patches { null_clears, null_on_required, not_an_object, media_types, empty_patch }
    isolation { records_of_another, lists_of_another }
    filters { each_filter, bounds }
    pages {
        page_limits, every_sort, cursors_are_bound, records_of_one_moment, stable_under_inserts,
    }
    conditional {
        strong_etags, not_modified, preconditions, conditional_deletion, concurrent_updates,
    }
    idempotency {
        replay, other_body, concurrent_retries, keys_per_user, failures_are_forgotten,
    }
    methods { not_allowed, head, odd_paths, caching }
    representations { compression, compressed_etags, not_modified_in_each_coding }
}
