//! What a body or a query is read into, declared once: see `input!`.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use serde_json::Value;
use validator::{Validate, ValidateLength, ValidateRange};

use super::{Field, Fields};

/// An input whose fields say how they are taken: by the macro `input!`.
pub trait Input: Validate + Sized {
    fn take(fields: &mut Fields) -> Self;
    /// What is meant where a field is absent that has a value of its own then. For the document.
    fn defaults() -> Vec<(&'static str, Value)>;
}

/// Of a query without parameters of its own, such as that of a list without filters.
#[derive(Validate)]
pub struct Nothing {}

impl Input for Nothing {
    fn take(_: &mut Fields) -> Self {
        Self {}
    }
    fn defaults() -> Vec<(&'static str, Value)> {
        Vec::new()
    }
}

/// Nothing, as a part of what a cursor belongs to.
impl fmt::Debug for Nothing {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// The type of an input's field, which says how it is taken: a [`Field`] has to be given, an
/// `Option` may be absent or null, a [`Patch`] may be absent.
pub trait Take: Sized {
    fn take(fields: &mut Fields, name: &str) -> Self;
}

impl<T: Field + Default> Take for T {
    fn take(fields: &mut Fields, name: &str) -> Self {
        fields.required(name)
    }
}

impl<T: Field> Take for Option<T> {
    fn take(fields: &mut Fields, name: &str) -> Self {
        fields.optional(name)
    }
}

/// A field of a merge patch (RFC 7396). Absent leaves what there is. `Patch<T>` can't be removed:
/// null is a fault. Of `Patch<Option<T>>` null is the removal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    #[default]
    Keep,
    Set(T),
}

impl<T: Field> Take for Patch<T> {
    fn take(fields: &mut Fields, name: &str) -> Self {
        fields.change(name).map_or(Self::Keep, Self::Set)
    }
}

impl<T: Field> Take for Patch<Option<T>> {
    fn take(fields: &mut Fields, name: &str) -> Self {
        fields.change_nullable(name)
    }
}

impl<T> Patch<T> {
    pub const fn is_given(&self) -> bool {
        matches!(self, Self::Set(_))
    }

    pub const fn given(&self) -> Option<&T> {
        match self {
            Self::Keep => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<T> Patch<Option<T>> {
    /// What it becomes, where something is given: for `CASE WHEN is_given THEN value ELSE … END`.
    pub fn value(&self) -> Option<&T> {
        self.given().and_then(Option::as_ref)
    }
}

/// Text that may be absent, for rules of text.
pub trait Shown {
    fn shown(&self) -> Option<&str>;
}

impl Shown for String {
    fn shown(&self) -> Option<&str> {
        Some(self)
    }
}
impl<T: Shown> Shown for Option<T> {
    fn shown(&self) -> Option<&str> {
        self.as_ref().and_then(T::shown)
    }
}
impl<T: Shown> Shown for Patch<T> {
    fn shown(&self) -> Option<&str> {
        self.given().and_then(T::shown)
    }
}
impl<T: Shown + ?Sized> Shown for &T {
    fn shown(&self) -> Option<&str> {
        (**self).shown()
    }
}

impl<T: ValidateLength<u64>> ValidateLength<u64> for Patch<T> {
    fn length(&self) -> Option<u64> {
        self.given().and_then(T::length)
    }
}

impl<B, T: ValidateRange<B>> ValidateRange<B> for Patch<T> {
    fn greater_than(&self, most: B) -> Option<bool> {
        self.given().and_then(|value| value.greater_than(most))
    }
    fn less_than(&self, least: B) -> Option<bool> {
        self.given().and_then(|value| value.less_than(least))
    }
}

/// `validator` keeps what it found fault with.
impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.given().serialize(serializer)
    }
}

/// As what it sets: that it may be absent is said of a merge patch as a whole.
impl<T: JsonSchema> JsonSchema for Patch<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
