//! What a product declares to be set, as it was read.

use std::time::Duration;

use super::{Kind, Quota, Variable, parse::Reader};
use crate::Secret;

/// The values of a product's variables. Who asks for one that was not declared, or as another kind,
/// has made a mistake that the first test finds: it panics.
#[derive(Clone, Debug, Default)]
pub struct Settings(Box<[(&'static str, Setting)]>);

#[derive(Clone, Debug)]
enum Setting {
    Flag(bool),
    Number(i64),
    Text(String),
    Secret(Option<Secret>),
    Duration(Duration),
    Quota(Quota),
    Choice(&'static str),
    List(Vec<String>),
}

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident $kind:ident($value:ident) -> $type:ty, $give:expr;)*) => {
        impl Settings {
            $($(#[$doc])* pub fn $name(&self, variable: &Variable) -> $type {
                match self.of(variable) {
                    Setting::$kind($value) => $give,
                    _ => wrong(variable),
                }
            })*
        }
    };
}

getters! {
    flag Flag(value) -> bool, *value;
    number Number(value) -> i64, *value;
    /// Empty where nothing is set and there is no default.
    text Text(value) -> &str, value;
    secret Secret(value) -> Option<&Secret>, value.as_ref();
    /// Of a variable in seconds or in milliseconds.
    duration Duration(value) -> Duration, *value;
    quota Quota(value) -> Quota, *value;
    choice Choice(value) -> &'static str, value;
    list List(value) -> &[String], value;
}

impl Settings {
    fn of(&self, variable: &Variable) -> &Setting {
        // There are few, and names mostly differ in length.
        match self.0.iter().find(|(name, _)| *name == variable.name) {
            Some((_, setting)) => setting,
            None => wrong(variable),
        }
    }

    pub(super) fn read(read: &mut Reader<'_>, production: bool, variables: &[Variable]) -> Self {
        let all = variables.iter().map(|variable| {
            if production && variable.required && read.text(variable.name).is_none() {
                read.fault(variable.name, "is missing");
            }
            (variable.name, Setting::read(read, variable))
        });
        Self(all.collect())
    }
}

impl Setting {
    fn read(read: &mut Reader<'_>, &Variable { name, kind, .. }: &Variable) -> Self {
        match kind {
            Kind::Own { .. } => unreachable!("{name} is read by the core"),
            Kind::Flag(default) => Self::Flag(read.flag(name, default)),
            Kind::Number { default, least, most } => {
                Self::Number(read.number(name, default, least..=most))
            }
            Kind::Seconds { default, least, most } => {
                Self::Duration(read.seconds(name, default, least..=most))
            }
            Kind::Millis { default, least, most } => {
                Self::Duration(read.millis(name, default, least..=most))
            }
            Kind::Text(default) => {
                Self::Text(read.text(name).unwrap_or_else(|| default.to_owned()))
            }
            Kind::Secret => Self::Secret(read.secret(name)),
            Kind::Quota(default) => Self::Quota(read.quota(name, default)),
            Kind::Choice(words) => Self::Choice(read.choice(name, words)),
            Kind::List => Self::List(read.list(name)),
        }
    }
}

#[cold]
#[track_caller]
fn wrong(variable: &Variable) -> ! {
    panic!("{} is not among the product's variables, or of another kind", variable.name)
}
