//! What a body or a query is read into, declared once.

/// Declares an input: its struct, how each field is taken, and its rules, which are both enforced
/// and told by the document. All that is wrong with a body is answered at once.
///
/// The type of a field says how it is taken: a plain one has to be given; an `Option` may be absent
/// or null; one with `= …` may be absent, and is that then; a [`Patch`](crate::validate::Patch) is of a
/// merge patch. Rules are the attributes of `validator`.
///
/// ```
/// use trireme::{Timestamp, validate::{Fields, Patch, visible}};
///
/// trireme::text_enum! {
///     /// How long a note is kept.
///     Kept { Briefly = "briefly", ForEver = "for_ever" }
/// }
///
/// trireme::input! {
///     pub struct New {
///         #[validate(length(min = 1, max = 200), custom(function = visible))]
///         #[schemars(example = &"Buy paint")]
///         pub title: String,
///         pub due_at: Option<Timestamp>,
///         pub kept: Kept = Kept::ForEver,
///     }
/// }
/// trireme::input! {
///     pub struct Change {
///         #[validate(length(min = 1, max = 200), custom(function = visible))]
///         pub title: Patch<String>,
///         pub due_at: Patch<Option<Timestamp>>,
///     }
/// }
///
/// let fields = |body| Fields::of_body(trireme::json::parse(body).unwrap()).unwrap();
/// let new: New = fields(br#"{"title":"Buy paint"}"#).input().unwrap();
/// assert!(new.title == "Buy paint" && new.due_at.is_none() && new.kept == Kept::ForEver);
/// let change: Change = fields(br#"{"due_at":null}"#).input().unwrap();
/// assert!(!change.title.is_given() && change.due_at == Patch::Set(None));
///
/// let error = fields(br#"{"title":" ","due_at":1,"pages":2}"#).input::<New>().err().unwrap();
/// let faults: Vec<_> = error.faults.iter().map(|fault| (&*fault.pointer, &*fault.code)).collect();
/// assert_eq!(faults, [("/due_at", "type"), ("/title", "invalid_text"), ("/pages", "unknown_field")]);
/// ```
#[macro_export]
macro_rules! input {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $type:ty $(= $default:expr)?),* $(,)?
    }) => {
        #[derive($crate::validator::Validate, $crate::schemars::JsonSchema)]
        #[validate(crate = "trireme::validator")]
        #[schemars(crate = "trireme::schemars")]
        $(#[$meta])*
        $vis struct $name { $($(#[$field_meta])* $field_vis $field: $type),* }

        impl $crate::validate::Input for $name {
            fn take(fields: &mut $crate::validate::Fields) -> Self {
                Self { $($field: $crate::input!(@take fields $field $($default)?)),* }
            }
            fn defaults() -> ::std::vec::Vec<(&'static str, $crate::serde_json::Value)> {
                ::std::vec![$($(($crate::input!(@name $field), $crate::serde_json::json!($default)),)?)*]
            }
        }
    };
    (@take $fields:ident $field:ident) => {
        $crate::validate::Take::take($fields, $crate::input!(@name $field))
    };
    (@take $fields:ident $field:ident $default:expr) => {
        $fields.change($crate::input!(@name $field)).unwrap_or_else(|| $default)
    };
    (@name $field:ident) => {
        $crate::validate::field_name(::core::stringify!($field))
    };
}

/// An enumeration in its `snake_case` names, in inputs, statements and the document. The first is
/// the stand-in for one that could not be read, and leaves no input.
#[macro_export]
macro_rules! text_enum {
    ($(#[$meta:meta])* $name:ident {
        $first:ident = $first_text:literal $(, $variant:ident = $text:literal)* $(,)?
    }) => {
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq,
            $crate::serde::Serialize, $crate::schemars::JsonSchema,
        )]
        #[serde(crate = "trireme::serde")]
        #[schemars(crate = "trireme::schemars")]
        $(#[$meta])*
        pub enum $name {
            #[default]
            #[serde(rename = $first_text)]
            $first,
            $(#[serde(rename = $text)] $variant),*
        }

        impl $name {
            pub const fn as_str(self) -> &'static str {
                match self { Self::$first => $first_text, $(Self::$variant => $text),* }
            }
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $first_text => Some(Self::$first),
                    $($text => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }

        impl $crate::validate::Field for $name {
            fn read(value: $crate::serde_json::Value) -> Result<Self, $crate::validate::FieldFault> {
                let text = <String as $crate::validate::Field>::read(value)?;
                let one_of = concat!("Must be one of: ", $first_text, $(" ", $text,)* ".");
                Self::parse(&text).ok_or(("enum", one_of.into()))
            }
        }

        impl $crate::validate::PathValue for $name {
            fn parse(text: &str) -> Option<Self> {
                Self::parse(text)
            }
        }

        impl From<$name> for $crate::sql::Value<'_> {
            fn from(value: $name) -> Self {
                value.as_str().into()
            }
        }
        impl From<&$name> for $crate::sql::Value<'_> {
            fn from(value: &$name) -> Self {
                value.as_str().into()
            }
        }
    };
}
