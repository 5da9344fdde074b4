//! What of a product clashes, with the core or within itself, found out when a program is compiled.

use trireme_core::{
    error,
    names::{is_same, is_snake},
};

use super::{About, Product, series};
use crate::{mail, maintenance};

/// Does not compile, in a constant, where the declarations of a product clash: with the core's, or
/// one with another.
pub(crate) const fn check<P: Product>() {
    series::<P>().sound();
    error::distinct(P::CODES);
    let About { title, version, .. } = P::ABOUT;
    assert!(!title.is_empty() && !version.is_empty(), "a product has a title and a version");
    let mut at = 0;
    while at < P::VARIABLES.len() {
        let mut before = 0;
        while before < at {
            let same = is_same(P::VARIABLES[before].name, P::VARIABLES[at].name);
            assert!(!same, "two variables have the same name");
            before += 1;
        }
        at += 1;
    }
    maintenance::distinct(P::MAINTENANCE);
    mail::sound(P::MAIL);
    tables(P::TABLES);
}

/// Tables whose rows can't be deleted as [`Product::TABLES`] says: a name that is none, that is given
/// twice, or the core's.
const fn tables(tables: &[&str]) {
    let mut at = 0;
    while at < tables.len() {
        let (table, key) = table(tables[at]);
        assert!(is_snake(table) && is_snake(key), "a table is like this_1, or like this_1.key");
        let mut core = 0;
        while core < CORE_TABLES.len() {
            assert!(!is_same(CORE_TABLES[core], table), "the core has a table of this name");
            core += 1;
        }
        let mut before = 0;
        while before < at {
            assert!(!is_same(self::table(tables[before]).0, table), "a table is named twice");
            before += 1;
        }
        at += 1;
    }
}

/// What the core's own migrations make; an account's deletion knows them by itself.
const CORE_TABLES: &[&str] = &[
    "users",
    "sessions",
    "refresh_tokens",
    "idempotency_keys",
    "rate_limits",
    "leases",
    "outbox",
    "schema_migrations",
];

/// One of [`Product::TABLES`], and the column that tells the rows of a piece apart.
pub(crate) const fn table(declared: &str) -> (&str, &str) {
    let mut at = 0;
    while at < declared.len() {
        if declared.as_bytes()[at] == b'.' {
            let (table, key) = declared.split_at(at);
            return (table, key.split_at(1).1);
        }
        at += 1;
    }
    (declared, "id")
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use trireme_core::{config::Variable, error::Documented, host::Host, sql::Statement};

    use super::*;
    use crate::{Described, Route, maintenance::Step};

    const SOUND: u8 = 0;
    const UNTITLED: u8 = 1;
    const CORES_NAME: u8 = 2;
    const CORES_CODE: u8 = 3;
    const CODE_TWICE: u8 = 4;
    const VARIABLE_TWICE: u8 = 5;
    const CORES_STEP: u8 = 6;
    const STEP_TWICE: u8 = 7;
    const CORES_TABLE: u8 = 8;
    const TABLE_TWICE: u8 = 9;
    const NO_TABLE: u8 = 10;
    const NO_KEY: u8 = 11;

    trireme_core::codes! {
        FULL "full" 409 "Full" "There is no room.";
    }
    const MOTTO: Variable = Variable::text("MOTTO", "", "What is said.");
    const fn step(name: &'static str) -> Step {
        Step::sweep(name, |_, _| Statement::read("", vec![]), |_, _| vec![])
    }

    /// A product with one fault.
    struct With<const FAULT: u8>;

    impl<const FAULT: u8> Product for With<FAULT> {
        const NAME: &'static str = if FAULT == CORES_NAME { "trireme" } else { "harbour" };
        const ABOUT: About = About {
            title: if FAULT == UNTITLED { "" } else { "Harbour" },
            version: "1",
            ..About::NONE
        };
        const DOCUMENT: &'static [u8] = b"{}";
        const CODES: &'static [Documented] = match FAULT {
            CORES_CODE => &[error::CODES[0]],
            CODE_TWICE => &[CODES[0], CODES[0]],
            _ => CODES,
        };
        const VARIABLES: &'static [Variable] =
            if FAULT == VARIABLE_TWICE { &[MOTTO, MOTTO] } else { &[MOTTO] };
        const MAINTENANCE: &'static [Step] = match FAULT {
            CORES_STEP => &[const { step("attempts") }],
            STEP_TWICE => &[const { step("old") }, const { step("old") }],
            _ => &[const { step("old") }],
        };
        const TABLES: &'static [&'static str] = match FAULT {
            CORES_TABLE => &["sessions"],
            TABLE_TWICE => &["lines", "lines.number"],
            NO_TABLE => &["lines; DROP TABLE users"],
            NO_KEY => &["lines."],
            _ => &["lines.number", "berths"],
        };

        fn routes<H: Host>() -> Vec<Route<H>> {
            Vec::new()
        }
        fn operations() -> Vec<Described> {
            Vec::new()
        }
    }

    fn said<const FAULT: u8>() -> String {
        let panic = catch_unwind(check::<With<FAULT>>).expect_err("it is at fault");
        panic.downcast_ref::<&str>().unwrap().to_string()
    }

    #[test]
    fn what_clashes_is_told() {
        check::<With<SOUND>>();
        for (said, expected) in [
            (said::<UNTITLED>(), "title and a version"),
            (said::<CORES_NAME>(), "the core's series has this NAME"),
            (said::<CORES_CODE>(), "the core has a code of this name"),
            (said::<CODE_TWICE>(), "two codes have the same name"),
            (said::<VARIABLE_TWICE>(), "two variables have the same name"),
            (said::<CORES_STEP>(), "the core has a step of this name"),
            (said::<STEP_TWICE>(), "two steps have the same name"),
            (said::<CORES_TABLE>(), "the core has a table of this name"),
            (said::<TABLE_TWICE>(), "a table is named twice"),
            (said::<NO_TABLE>(), "a table is like this_1"),
            (said::<NO_KEY>(), "a table is like this_1"),
        ] {
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn a_table_may_name_its_key() {
        assert_eq!(table("berths"), ("berths", "id"));
        assert_eq!(table("lines.number"), ("lines", "number"));
    }
}
