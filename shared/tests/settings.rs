//! What a product declares to be set.

use std::{collections::HashMap, time::Duration};

use trireme_core::config::{Config, Faults, Platform, Quota, Variable};

const LOUD: Variable = Variable::flag("LOUD", true, "");
const MAX_LINES: Variable = Variable::number("MAX_LINES", 100, -5..=1000, "");
const OPEN: Variable = Variable::seconds("OPEN_SECONDS", 60, 1..=3600, "");
const WAIT: Variable = Variable::millis("WAIT_MS", 250, 1..=1000, "");
const GREETING: Variable = Variable::text("GREETING", "hello", "");
const SHOP_KEY: Variable = Variable::secret("SHOP_KEY", "Signs.").required();
const ORDERS: Variable = Variable::quota("RATE_LIMIT_ORDERS", Quota::new(10, 60), "");
const SIZE: Variable = Variable::choice("SIZE", &["small", "large"], "");
const AREAS: Variable = Variable::list("AREAS", "");
const ALL: &[Variable] = &[LOUD, MAX_LINES, OPEN, WAIT, GREETING, SHOP_KEY, ORDERS, SIZE, AREAS];

const KEY: &str = "q8Zr-4v0LmX2";

fn read(variables: &[(&str, &str)]) -> Result<Config, Faults> {
    let mut all = HashMap::from([("JWT_SECRET", "k9dJ2mQx7vLr4TzYw8NbHc5GfPs3AeRu")]);
    all.extend(variables.iter().copied());
    Config::from_variables(|name| all.get(name).map(ToString::to_string), &Platform::default(), ALL)
}

#[test]
fn what_is_not_set_has_its_default() {
    let settings = read(&[("GREETING", "  ")]).unwrap().settings;
    assert!(settings.flag(&LOUD));
    assert_eq!(settings.number(&MAX_LINES), 100);
    assert_eq!(settings.duration(&OPEN), Duration::from_secs(60));
    assert_eq!(settings.duration(&WAIT), Duration::from_millis(250));
    assert_eq!(settings.text(&GREETING), "hello");
    assert!(settings.secret(&SHOP_KEY).is_none());
    assert_eq!(settings.quota(&ORDERS), Quota::new(10, 60));
    assert_eq!((settings.choice(&SIZE), settings.list(&AREAS).len()), ("small", 0));
}

#[test]
fn what_is_set_is_read() {
    let config = read(&[
        ("LOUD", "no"),
        ("MAX_LINES", "-5"),
        ("OPEN_SECONDS", "3600"),
        ("WAIT_MS", "1"),
        ("GREETING", " good day "),
        ("SHOP_KEY", KEY),
        ("RATE_LIMIT_ORDERS", "5/2m"),
        ("SIZE", "large"),
        ("AREAS", "north, ,south"),
    ]);
    let config = config.unwrap();
    let settings = &config.settings;
    assert!(!settings.flag(&LOUD));
    assert_eq!(settings.number(&MAX_LINES), -5);
    assert_eq!(settings.duration(&OPEN), Duration::from_secs(3600));
    assert_eq!(settings.duration(&WAIT), Duration::from_millis(1));
    assert_eq!(settings.text(&GREETING), "good day");
    assert_eq!(settings.secret(&SHOP_KEY).unwrap().reveal(), KEY);
    assert_eq!(settings.quota(&ORDERS), Quota::new(5, 120));
    assert_eq!(
        (settings.choice(&SIZE), settings.list(&AREAS)),
        ("large", &["north".to_owned(), "south".to_owned()][..])
    );
    assert!(!format!("{config:?}").contains(KEY), "a secret is shown");
}

/// The product's beside the core's, by name and without values.
#[test]
fn all_faults_are_named_at_once() {
    let found = read(&[
        ("ENVIRONMENT", "production"),
        ("PORT", "eighty"),
        ("LOUD", "loudly"),
        ("MAX_LINES", "1001"),
        ("OPEN_SECONDS", "0"),
        ("WAIT_MS", "1001"),
        ("RATE_LIMIT_ORDERS", "many"),
        ("SIZE", "medium"),
    ]);
    let found = found.unwrap_err().0;
    let names: Vec<_> = found.iter().map(|fault| fault.split(' ').next().unwrap()).collect();
    for variable in [LOUD, MAX_LINES, OPEN, WAIT, ORDERS, SIZE, SHOP_KEY] {
        assert!(names.contains(&variable.name), "{}: {found:?}", variable.name);
    }
    assert!(names.contains(&"PORT") && names.contains(&"CORS_ORIGINS"), "{found:?}");
    for value in ["loudly", "medium", "many", "eighty"] {
        assert!(!found.concat().contains(value), "{value} is shown: {found:?}");
    }
    let placeholder = read(&[("ENVIRONMENT", "staging"), ("SHOP_KEY", "changeme-changeme")]);
    let fault = placeholder.unwrap_err().0.concat();
    assert!(fault.contains("SHOP_KEY is a placeholder") && !fault.contains("changeme"), "{fault}");
}

#[test]
fn each_has_a_row_in_the_table() {
    let row = "| `SHOP_KEY` | unset (required in production) | Signs. Secret. |";
    assert_eq!(SHOP_KEY.row(), row);
    assert_eq!((LOUD.default(), ORDERS.default()), ("true".into(), "10/60s".into()));
    assert_eq!(SIZE.default(), "small");
}

#[test]
#[should_panic(expected = "MAX_LINES is not among the product's variables, or of another kind")]
fn another_kind_is_a_mistake() {
    let _ = read(&[]).unwrap().settings.flag(&MAX_LINES);
}

#[test]
#[should_panic(expected = "ELSEWHERE is not among the product's variables")]
fn what_is_not_declared_is_a_mistake() {
    let _ = read(&[]).unwrap().settings.text(&Variable::text("ELSEWHERE", "", ""));
}

#[test]
fn names_that_are_not_fit_are_refused() {
    for name in
        ["", "lower", "Mixed", "1ST", "_A", "A_", "A__B", "A-B", "PORT", "JWT_SECRET", "SENTRY_DSN"]
    {
        let declare = || Variable::list(name, "");
        assert!(std::panic::catch_unwind(declare).is_err(), "{name}");
    }
}
