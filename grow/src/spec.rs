//! Fields as they are typed: `number:text(1..40)`, `due:date?`, `state:enum(draft,sent)=draft`.

use std::ops::Range;

use crate::{
    names,
    refusal::{Refusal, Result},
    words,
};

/// The whole numbers that every database and JavaScript keep exactly.
pub const MOST: i64 = (1 << 53) - 1;

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Text {
        min: u32,
        max: u32,
    },
    Int {
        min: i64,
        max: i64,
    },
    Float,
    Bool,
    Date,
    Time,
    Uuid,
    Json,
    Bytes {
        max: u32,
    },
    /// Its texts.
    Enum(Vec<String>),
    /// The plural of another resource.
    Ref(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    Text(String),
    Int(i64),
    Float(String),
    Bool(bool),
}

/// A column, and the member of the JSON that is called the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub kind: Kind,
    pub nullable: bool,
    /// What it is when a record is made without it.
    pub default: Option<Literal>,
}

/// Text up to here is sorted by; an index takes no more than some kilobytes a row.
const SORTED: u32 = 200;

impl Field {
    /// The SQL expression that lists can be sorted by, never NULL, where the kind has an order that
    /// somebody would ask for.
    pub fn sort(&self) -> Option<String> {
        match self.kind {
            Kind::Date | Kind::Time if self.nullable => {
                Some(format!("COALESCE({}, 'infinity')", self.name))
            }
            _ if self.nullable => None,
            Kind::Text { max, .. } if max > SORTED => None,
            Kind::Text { .. } | Kind::Int { .. } | Kind::Float | Kind::Date | Kind::Time => {
                Some(self.name.clone())
            }
            _ => None,
        }
    }
}

const KINDS: &str = "Kinds are text(min..max), int(min..max), float, bool, date, time, uuid, json, bytes(..max), \
    enum(a,b,c), ref(resource); `?` behind one makes it nullable, `=value` gives a default.";

/// Every field, each name once.
pub fn fields(typed: &[String]) -> Result<Vec<Field>> {
    let mut fields: Vec<Field> = Vec::new();
    for typed in typed {
        let field = field(typed)?;
        if fields.iter().any(|other| other.name == field.name) {
            let refusal =
                Refusal::new(format!("`{}` is there twice.", field.name), "Name each field once.");
            return Err(refusal.at(typed, 0..typed.find(':').unwrap_or(typed.len())));
        }
        fields.push(field);
    }
    Ok(fields)
}

fn field(typed: &str) -> Result<Field> {
    let mut reader = Reader { typed, at: 0 };
    let name = reader.word();
    let named = 0..reader.at;
    check_name(name).map_err(|refusal| refusal.at(typed, named.clone()))?;
    if !reader.takes(':') {
        return Err(reader.expected("`:` and a kind", KINDS));
    }
    let (kind, kind_at) = reader.kind()?;
    let name = match &kind {
        Kind::Ref(_) if !name.ends_with("_id") => format!("{name}_id"),
        _ => name.to_owned(),
    };
    if let Kind::Enum(_) = kind
        && words::is_type(&names::pascal(&name))
    {
        let what =
            format!("The enumeration would be called `{}`, which is taken.", names::pascal(&name));
        return Err(Refusal::new(what, "Call the field something else.").at(typed, named));
    }
    let nullable = reader.takes('?');
    let default_at = reader.at;
    let default = if reader.takes('=') { Some(reader.literal(&kind)?) } else { None };
    if reader.at < typed.len() {
        return Err(reader.expected("the end", KINDS));
    }
    if nullable && default.is_some() {
        let what = "A field with a default is never null.";
        let refusal = Refusal::new(what, "Leave `?` or the default away.");
        return Err(refusal.at(typed, default_at..typed.len()));
    }
    if let Kind::Json | Kind::Bytes { .. } | Kind::Ref(_) | Kind::Uuid | Kind::Date | Kind::Time =
        kind
        && default.is_some()
    {
        let refusal = Refusal::new(
            "This kind has no default.",
            "Leave it away, and make the field nullable by `?` where it may be absent.",
        );
        return Err(refusal.at(typed, kind_at));
    }
    Ok(Field { name, kind, nullable, default })
}

fn check_name(name: &str) -> Result<()> {
    names::check(name)?;
    if words::COLUMNS.contains(&name) {
        let what = format!("Every record has `{name}`.");
        return Err(Refusal::new(what, "Leave it away, or call the field something else."));
    }
    if words::is_parameter(name) {
        let what = format!("`{name}` is what every list takes in its query.");
        return Err(Refusal::new(what, "Call the field something else."));
    }
    Ok(())
}

struct Reader<'a> {
    typed: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.typed[self.at..]
    }

    fn takes(&mut self, token: char) -> bool {
        let found = self.rest().starts_with(token);
        self.at += if found { token.len_utf8() } else { 0 };
        found
    }

    /// What stands before the next sign.
    fn word(&mut self) -> &'a str {
        let end = |c: char| !(c.is_alphanumeric() || c == '_' || c == '-');
        self.upto(end)
    }

    fn upto(&mut self, end: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let word = &rest[..rest.find(end).unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    fn expected(&self, due: &str, remedy: &str) -> Refusal {
        let end = self.at + self.rest().chars().next().map_or(0, char::len_utf8);
        Refusal::new(format!("Here {due} is due."), remedy).at(self.typed, self.at..end)
    }

    fn kind(&mut self) -> Result<(Kind, Range<usize>)> {
        let start = self.at;
        let word = self.word();
        let place = start..self.at;
        let kind = match word {
            "text" => {
                let (min, max) = self.bounds((1, 200), (0, 100_000), "1..200")?;
                Kind::Text { min: min as u32, max: max as u32 }
            }
            "int" => {
                let (min, max) = self.bounds((-MOST, MOST), (-MOST, MOST), "0..100")?;
                Kind::Int { min, max }
            }
            "bytes" => {
                let (min, max) = self.bounds((0, 65_536), (0, 500_000), "..65536")?;
                if min > 0 {
                    let refusal = Refusal::new("Bytes have no least length.", "Say bytes(..max).");
                    return Err(refusal.at(self.typed, place.end..self.at));
                }
                Kind::Bytes { max: max as u32 }
            }
            "float" => Kind::Float,
            "bool" => Kind::Bool,
            "date" => Kind::Date,
            "time" => Kind::Time,
            "uuid" => Kind::Uuid,
            "json" => Kind::Json,
            "enum" => Kind::Enum(self.variants()?),
            "ref" => {
                if !self.takes('(') {
                    return Err(self.expected("`(` and a resource", "Such as ref(customers)."));
                }
                let start = self.at;
                let resource = self.word();
                names::check(resource).map_err(|it| it.at(self.typed, start..self.at))?;
                self.close()?;
                Kind::Ref(resource.to_owned())
            }
            _ => {
                let what = format!("`{word}` is no kind.");
                return Err(Refusal::new(what, KINDS).at(self.typed, place));
            }
        };
        Ok((kind, place))
    }

    fn close(&mut self) -> Result<()> {
        if self.takes(')') { Ok(()) } else { Err(self.expected("`)`", KINDS)) }
    }

    /// `(min..max)`, either of which may be left away; without any, what is usual.
    fn bounds(
        &mut self,
        usual: (i64, i64),
        widest: (i64, i64),
        example: &str,
    ) -> Result<(i64, i64)> {
        if !self.takes('(') {
            return Ok(usual);
        }
        let start = self.at;
        let min = self.number(widest.0)?;
        if !(self.takes('.') && self.takes('.')) {
            let remedy = format!("Bounds are such as {example}; both belong to what is allowed.");
            return Err(self.expected("`..`", &remedy));
        }
        let max = self.number(widest.1)?;
        let end = self.at;
        self.close()?;
        if min > max || min < widest.0 || max > widest.1 || (max == 0 && widest.0 == 0) {
            let remedy = format!("They go from {} to {}, the smaller first.", widest.0, widest.1);
            return Err(Refusal::new("Nothing fits these bounds, or too much.", remedy)
                .at(self.typed, start..end));
        }
        Ok((min, max))
    }

    fn number(&mut self, absent: i64) -> Result<i64> {
        let start = self.at;
        let word = self.upto(|c| !(c.is_ascii_digit() || c == '-' || c == '_'));
        if word.is_empty() {
            return Ok(absent);
        }
        word.replace('_', "").parse().map_err(|_| {
            let refusal = Refusal::new(format!("`{word}` is no whole number."), "Use digits.");
            refusal.at(self.typed, start..self.at)
        })
    }

    fn variants(&mut self) -> Result<Vec<String>> {
        if !self.takes('(') {
            return Err(self.expected("`(` and the values", "Such as enum(draft,sent,paid)."));
        }
        let mut variants: Vec<String> = Vec::new();
        loop {
            let start = self.at;
            let variant = self.word();
            let place = start..self.at;
            let shaped = variant.starts_with(|c: char| c.is_ascii_lowercase())
                && variant
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if !shaped || names::pascal(variant) == "Self" {
                let refusal = Refusal::new(
                    format!("`{variant}` is no value of an enumeration."),
                    "Use a-z, 0-9 and `_`, a letter first, and not `self`.",
                );
                return Err(refusal.at(self.typed, place));
            }
            if variants.iter().any(|other| names::pascal(other) == names::pascal(variant)) {
                let refusal =
                    Refusal::new(format!("`{variant}` is there twice."), "Name each value once.");
                return Err(refusal.at(self.typed, place));
            }
            variants.push(variant.to_owned());
            if !self.takes(',') {
                break;
            }
        }
        self.close()?;
        if variants.len() < 2 {
            let refusal =
                Refusal::new("One value alone tells nothing.", "Name two at least, or use bool.");
            return Err(refusal.at(self.typed, 0..self.typed.len()));
        }
        Ok(variants)
    }

    fn literal(&mut self, kind: &Kind) -> Result<Literal> {
        let start = self.at;
        let word = self.upto(|_| false);
        let fault = |remedy: String| {
            let refusal = Refusal::new(format!("`{word}` is no value of this kind."), remedy);
            Err(refusal.at(self.typed, start..self.typed.len()))
        };
        Ok(match kind {
            Kind::Text { min, max } => {
                let length = word.chars().count();
                let fits = (*min as usize..=*max as usize).contains(&length);
                let visible = *min == 0 || !word.trim().is_empty();
                if !fits || !visible || word.chars().any(char::is_control) {
                    return fault(format!("It has {min} to {max} characters that can be seen."));
                }
                Literal::Text(word.to_owned())
            }
            Kind::Int { min, max } => match word.replace('_', "").parse() {
                Ok(number) if (*min..=*max).contains(&number) => Literal::Int(number),
                _ => return fault(format!("It is a whole number from {min} to {max}.")),
            },
            Kind::Float => match word.parse::<f64>() {
                Ok(number) if number.is_finite() => Literal::Float(format!("{number:?}")),
                _ => return fault("It is a number such as 2.5.".to_owned()),
            },
            Kind::Bool => match word {
                "true" => Literal::Bool(true),
                "false" => Literal::Bool(false),
                _ => return fault("It is true or false.".to_owned()),
            },
            Kind::Enum(variants) if !variants.iter().any(|it| it == word) => {
                return fault(format!("It is one of {}.", variants.join(", ")));
            }
            _ => Literal::Text(word.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(typed: &str) -> Field {
        field(typed).unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    #[test]
    fn reads_every_kind() {
        let kind = |typed: &str| read(typed).kind;
        assert_eq!(kind("number:text(1..40)"), Kind::Text { min: 1, max: 40 });
        assert_eq!(kind("notes:text(..4000)?"), Kind::Text { min: 0, max: 4000 });
        assert_eq!(kind("name:text"), Kind::Text { min: 1, max: 200 });
        assert_eq!(kind("amount_cents:int"), Kind::Int { min: -MOST, max: MOST });
        assert_eq!(kind("stars:int(1..5)"), Kind::Int { min: 1, max: 5 });
        assert_eq!(kind("depth:int(-5..)"), Kind::Int { min: -5, max: MOST });
        assert_eq!(kind("photo:bytes(..1_000)"), Kind::Bytes { max: 1000 });
        assert_eq!(
            kind("state:enum(draft,in_hand)"),
            Kind::Enum(vec!["draft".into(), "in_hand".into()])
        );
        let customer = read("customer:ref(customers)");
        assert_eq!(
            (customer.name.as_str(), customer.kind),
            ("customer_id", Kind::Ref("customers".into()))
        );
        assert_eq!(read("customer_id:ref(customers)").name, "customer_id");
        assert!(read("due:date?").nullable);
        assert_eq!(read("stars:int(1..5)=3").default, Some(Literal::Int(3)));
        assert_eq!(read("rate:float=1").default, Some(Literal::Float("1.0".into())));
        assert_eq!(read("state:enum(draft,sent)=sent").default, Some(Literal::Text("sent".into())));
        assert_eq!(
            read("place:text=at home, or so").default,
            Some(Literal::Text("at home, or so".into()))
        );
    }

    #[test]
    fn a_refusal_points_at_its_place() {
        for (typed, due) in [
            ("number:txt(1..40)", "`txt` is no kind.\n  number:txt(1..40)\n         ^^^\n"),
            ("number", "Here `:` and a kind is due.\n  number\n        ^\n"),
            (
                "number:text(1-40)",
                "`1-40` is no whole number.\n  number:text(1-40)\n              ^^^^\n",
            ),
            ("number:text(1,40)", "Here `..` is due.\n  number:text(1,40)\n               ^\n"),
            (
                "number:text(9..4)",
                "Nothing fits these bounds, or too much.\n  number:text(9..4)\n              ^^^^\n",
            ),
            ("number:text(1..4", "Here `)` is due.\n  number:text(1..4\n                  ^\n"),
            ("version:int", "Every record has `version`.\n  version:int\n  ^^^^^^^\n"),
            ("order:int", "`order` is a word of PostgreSQL's.\n  order:int\n  ^^^^^\n"),
            ("xmin:int", "`xmin` is a word of PostgreSQL's.\n  xmin:int\n  ^^^^\n"),
            ("type:int", "`type` is a word of Rust's.\n  type:int\n  ^^^^\n"),
            ("index:int", "`index` is a word of SQLite's.\n  index:int\n  ^^^^^\n"),
            (
                "cursor:int",
                "`cursor` is what every list takes in its query.\n  cursor:int\n  ^^^^^^\n",
            ),
            (
                "state:enum(a,B)",
                "`B` is no value of an enumeration.\n  state:enum(a,B)\n               ^\n",
            ),
            ("state:enum(a,a)", "`a` is there twice.\n  state:enum(a,a)\n               ^\n"),
            (
                "state:enum(a,b)=c",
                "`c` is no value of this kind.\n  state:enum(a,b)=c\n                  ^\n",
            ),
            (
                "stars:int(1..5)=6",
                "`6` is no value of this kind.\n  stars:int(1..5)=6\n                  ^\n",
            ),
            (
                "due:date?=x",
                "A field with a default is never null.\n  due:date?=x\n           ^^\n",
            ),
            (
                "due:date=2026-01-01",
                "This kind has no default.\n  due:date=2026-01-01\n      ^^^^\n",
            ),
            ("due:date!", "Here the end is due.\n  due:date!\n          ^\n"),
            ("of:ref", "Here `(` and a resource is due.\n  of:ref\n        ^\n"),
            ("answer:enum(a,b)", "The enumeration would be called `Answer`, which is taken.\n"),
            (
                "result:enum(a,b)",
                "The enumeration would be called `Result`, which is taken.\n  result:enum(a,b)\n  ^^^^^^\n",
            ),
        ] {
            let told = field(typed).unwrap_err().to_string();
            assert!(told.starts_with(due), "{told}");
            assert!(told.len() > due.len(), "{told}: no remedy");
        }
    }

    #[test]
    fn a_field_is_named_once() {
        let typed = ["a:int".to_owned(), "a:text".to_owned()];
        assert!(
            fields(&typed)
                .unwrap_err()
                .to_string()
                .starts_with("`a` is there twice.\n  a:text\n  ^\n")
        );
    }
}
