//! Checks in groups, and the order in which a run makes them.

use std::collections::BTreeSet;
use std::pin::Pin;

use serde::Serialize;

use crate::Options;
use crate::checks::{CORE, LAST};
use crate::context::Context;
use crate::outcome::Verdict;
use crate::resource::{self, Resource, Standard};

/// The group of checks that tidy up.
pub const CLOSING: &str = "closing";

/// What a check does with what all of them share.
pub type Run = for<'a> fn(&'a Context) -> Pin<Box<dyn Future<Output = Verdict> + 'a>>;

/// A check of a group; made by [`checks!`](crate::checks!).
#[derive(Clone, Copy)]
pub struct Check {
    pub name: &'static str,
    pub run: Run,
}

/// Checks that belong together: the standard ones of a resource, if the group has one, and those
/// that were written for it. A table of groups is made by [`checks!`](crate::checks!).
#[derive(Clone, Copy)]
pub struct Group {
    pub name: &'static str,
    pub resource: Option<&'static Resource>,
    pub checks: &'static [Check],
}

/// Makes a table of groups, `&'static [Group]`. A line names a group, the resource whose standard
/// checks it has (if it has one), and the group's own checks: functions in a module of its name.
///
/// ```
/// use trireme_verify::{Field, Group, Resource, checks};
///
/// mod export {
///     use trireme_verify::{Context, Verdict};
///
///     pub async fn whole(context: &Context) -> Verdict {
///         context.send(context.alice().await?.get("/api/v1/export")).await?.is(200).map(drop)
///     }
/// }
///
/// const BOATS: Resource = Resource::new("/api/v1/boats", &[Field::text("name", 1, 100).required()]);
///
/// pub const CHECKS: &[Group] = checks! {
///     boats of BOATS {}
///     export { whole }
/// };
/// ```
#[macro_export]
macro_rules! checks {
    ($($group:ident $(of $resource:path)? { $($name:ident),* $(,)? })*) => {
        &[$($crate::Group {
            name: ::core::stringify!($group),
            resource: $crate::checks!(@ $($resource)?),
            checks: &[$($crate::Check {
                name: ::core::stringify!($name),
                run: |context| ::std::boxed::Box::pin($group::$name(context)),
            }),*],
        }),*]
    };
    (@) => { ::core::option::Option::None };
    (@ $resource:path) => { ::core::option::Option::Some(&$resource) };
}

/// The name of a check, as reports and `only` have it: `group/name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Named {
    pub group: &'static str,
    pub name: &'static str,
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.group, self.name)
    }
}

impl Named {
    /// The closing checks tidy up, so they belong to every run.
    pub(crate) fn is_closing(self) -> bool {
        self.group == CLOSING
    }
}

/// A check of a run.
pub(crate) struct Planned {
    pub named: Named,
    call: Call,
}

enum Call {
    Own(Run),
    Standard(Standard, &'static Resource),
}

impl Planned {
    pub async fn make(&self, context: &Context) -> Verdict {
        match self.call {
            Call::Own(run) => run(context).await,
            Call::Standard(run, resource) => run(context, resource).await,
        }
    }
}

/// The checks that these options ask for, in order: the core's, the product's, and those that use
/// a quota up or tidy up.
///
/// # Panics
///
/// If two have the same name: one of them would hide in the other's place.
pub(crate) fn plan(options: &Options, product: &'static [Group]) -> Vec<Planned> {
    let all: Vec<Planned> = [CORE, product, LAST].into_iter().flatten().flat_map(members).collect();
    let mut names = BTreeSet::new();
    for Planned { named, .. } in &all {
        assert!(
            names.insert(*named),
            "two checks are called {named}; give one of them another name"
        );
    }
    let wanted = |named: Named| {
        let only = options.only.as_ref();
        named.is_closing() || only.is_none_or(|only| named.to_string().contains(only.as_str()))
    };
    all.into_iter().filter(|check| wanted(check.named)).collect()
}

fn members(group: &'static Group) -> impl Iterator<Item = Planned> {
    let named = |name| Named { group: group.name, name };
    let standard = group.resource.into_iter().flat_map(move |resource| {
        resource::STANDARD.iter().map(move |(name, run)| Planned {
            named: named(name),
            call: Call::Standard(*run, resource),
        })
    });
    let own = group
        .checks
        .iter()
        .map(move |check| Planned { named: named(check.name), call: Call::Own(check.run) });
    standard.chain(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    mod story {
        use crate::{Context, Verdict};

        pub async fn told(_: &Context) -> Verdict {
            Ok(())
        }
    }

    fn options(only: Option<&str>) -> Options {
        let mut options = Options::new("http://localhost").unwrap();
        options.only = only.map(str::to_owned);
        options
    }

    fn names(only: &str, product: &'static [Group]) -> Vec<String> {
        plan(&options(Some(only)), product).iter().map(|check| check.named.to_string()).collect()
    }

    #[test]
    fn a_filter_keeps_the_closing_checks() {
        assert_eq!(
            names("cors/refused", &[]),
            [
                "cors/refused",
                "cors/refused_preflight",
                "closing/accounts_deleted",
                "closing/every_response"
            ]
        );
    }

    #[test]
    fn a_product_comes_between_the_core_and_what_ends_a_run() {
        const PRODUCT: &[Group] = checks! { story { told } };
        let all = names("", PRODUCT);
        let place = |name: &str| all.iter().position(|it| it == name).unwrap();
        assert!(place("health/live") < place("story/told"));
        assert!(place("story/told") < place("limits/account_limit"));
        assert_eq!(place("closing/every_response"), all.len() - 1);
    }

    #[test]
    #[should_panic(expected = "two checks are called story/told")]
    fn no_two_have_the_same_name() {
        plan(&options(None), checks! { story { told } story { told } });
    }
}
