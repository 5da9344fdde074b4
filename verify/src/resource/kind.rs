//! What a resource's fields and filters are.

use super::Resource;

/// What a caller may say of a record: a name, a kind, and what becomes of it when nothing is said.
///
/// Without [`required`](Self::required) or [`default`](Self::default) a field that is left out is
/// null, and null in a patch clears it.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    pub(crate) visible: bool,
    pub(crate) default: Option<Literal>,
    pub(crate) unique: Option<&'static str>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Text { min: usize, max: usize },
    Bytes { most: usize },
    Form { taken: &'static [&'static str], refused: &'static [&'static str] },
    Choice(&'static [&'static str]),
    Flag,
    Integer { min: i64, max: i64 },
    Number { min: f64, max: f64 },
    Time,
    Date,
    Uuid,
    Json,
    Reference(&'static Resource),
}

/// A value that a declaration can hold.
#[derive(Clone, Copy, Debug)]
pub enum Literal {
    Text(&'static str),
    Flag(bool),
    Integer(i64),
    Number(f64),
}

impl Field {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, required: false, visible: false, default: None, unique: None }
    }

    /// Text of so many characters (Unicode scalar values).
    pub const fn text(name: &'static str, min: usize, max: usize) -> Self {
        Self::new(name, Kind::Text { min, max })
    }

    /// At most so many bytes, in base64.
    pub const fn bytes(name: &'static str, most: usize) -> Self {
        Self::new(name, Kind::Bytes { most })
    }

    /// Text of a form of its own, by examples of what is taken (two at least) and what is refused.
    pub const fn form(
        name: &'static str,
        taken: &'static [&'static str],
        refused: &'static [&'static str],
    ) -> Self {
        Self::new(name, Kind::Form { taken, refused })
    }

    /// One of these words.
    pub const fn choice(name: &'static str, words: &'static [&'static str]) -> Self {
        Self::new(name, Kind::Choice(words))
    }

    /// `true` or `false`.
    pub const fn flag(name: &'static str) -> Self {
        Self::new(name, Kind::Flag)
    }

    /// A whole number within bounds, which belong to it: at most 2⁵³ − 1 either way.
    pub const fn integer(name: &'static str, min: i64, max: i64) -> Self {
        Self::new(name, Kind::Integer { min, max })
    }

    /// A number within bounds, which belong to it.
    pub const fn number(name: &'static str, min: f64, max: f64) -> Self {
        Self::new(name, Kind::Number { min, max })
    }

    /// A moment in the years 0001 to 9999: `2026-11-20T12:00:00.000Z`.
    pub const fn time(name: &'static str) -> Self {
        Self::new(name, Kind::Time)
    }

    /// A day: `2026-11-20`.
    pub const fn date(name: &'static str) -> Self {
        Self::new(name, Kind::Date)
    }

    pub const fn uuid(name: &'static str) -> Self {
        Self::new(name, Kind::Uuid)
    }

    /// JSON of any shape.
    pub const fn json(name: &'static str) -> Self {
        Self::new(name, Kind::Json)
    }

    /// The id of a record of the same user. Another user's is as unknown as none: 422 here.
    pub const fn reference(name: &'static str, to: &'static Resource) -> Self {
        Self::new(name, Kind::Reference(to))
    }

    /// It has to be there, and is never null.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Text that shows something: not white space alone.
    pub const fn visible(mut self) -> Self {
        self.visible = true;
        self
    }

    /// What it is when it is left out. It is never null.
    pub const fn default(mut self, value: Literal) -> Self {
        self.default = Some(value);
        self
    }

    /// No two records of a user have the same: 409 with this code. For text.
    pub const fn unique(mut self, code: &'static str) -> Self {
        self.unique = Some(code);
        self
    }

    /// Whether null clears it.
    pub(crate) fn is_nullable(&self) -> bool {
        !self.required && self.default.is_none()
    }
}

/// A parameter of the list that leaves records out.
#[derive(Clone, Copy, Debug)]
pub struct Filter {
    pub(crate) name: &'static str,
    pub(crate) keeps: Keeps,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Keeps {
    Equal,
    Before(&'static str),
    After(&'static str),
    Found,
}

impl Filter {
    /// Those whose field of this name has this value.
    pub const fn equal(field: &'static str) -> Self {
        Self { name: field, keeps: Keeps::Equal }
    }

    /// Those whose field has an earlier or smaller value.
    pub const fn before(name: &'static str, field: &'static str) -> Self {
        Self { name, keeps: Keeps::Before(field) }
    }

    /// Those whose field has a later or greater value.
    pub const fn after(name: &'static str, field: &'static str) -> Self {
        Self { name, keeps: Keeps::After(field) }
    }

    /// Those with this text in the first text field, or in others.
    pub const fn search(name: &'static str) -> Self {
        Self { name, keeps: Keeps::Found }
    }
}
