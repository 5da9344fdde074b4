//! A field in Rust: in the record, the inputs, the statements and the checks.

use crate::{
    names,
    spec::{Field, Kind, Literal, MOST},
};

impl Field {
    /// The name of its enumeration.
    pub fn type_name(&self) -> String {
        names::pascal(&self.name)
    }

    /// In prose: `due day`.
    pub fn words(&self) -> String {
        self.name.strip_suffix("_id").unwrap_or(&self.name).replace('_', " ")
    }

    fn optional(&self, inner: &str) -> String {
        if self.nullable { format!("Option<{inner}>") } else { inner.to_owned() }
    }

    /// Whether the record borrows it.
    pub fn borrows(&self) -> bool {
        matches!(self.kind, Kind::Text { .. } | Kind::Bytes { .. } | Kind::Enum(_))
    }

    /// The type that it is read into from a body.
    fn owned(&self) -> String {
        match &self.kind {
            Kind::Text { .. } => "String".to_owned(),
            Kind::Int { .. } => "i64".to_owned(),
            Kind::Float => "f64".to_owned(),
            Kind::Bool => "bool".to_owned(),
            Kind::Date => "Date".to_owned(),
            Kind::Time => "Timestamp".to_owned(),
            Kind::Uuid | Kind::Ref(_) => "Uuid".to_owned(),
            Kind::Json => "Json".to_owned(),
            Kind::Bytes { max } => format!("Base64<'static, {}>", grouped(i64::from(*max))),
            Kind::Enum(_) => self.type_name(),
        }
    }

    /// Its name in `use trireme::{…}` of a module that has its type.
    pub fn import(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Date => Some("Date"),
            Kind::Time => Some("Timestamp"),
            Kind::Uuid | Kind::Ref(_) => Some("Uuid"),
            Kind::Json => Some("Json"),
            Kind::Bytes { .. } => Some("Base64"),
            _ => None,
        }
    }

    /// Whether text has to show something.
    pub fn visible(&self) -> bool {
        matches!(self.kind, Kind::Text { min: 1.., .. })
    }

    fn example(&self) -> Option<String> {
        let Kind::Text { min, max } = self.kind else { return None };
        let words = self.words();
        let mut example = words[..1].to_uppercase() + &words[1..];
        example.truncate(max as usize);
        ((min as usize) <= example.len()).then(|| format!("#[schemars(example = &\"{example}\")]"))
    }

    /// In `record!`, with what belongs above it.
    pub fn in_record(&self) -> Vec<String> {
        let kind = match &self.kind {
            Kind::Text { .. } | Kind::Enum(_) => "&'a str".to_owned(),
            Kind::Bytes { .. } => self.owned().replace("'static", "'a"),
            _ => self.owned(),
        };
        let mut lines = self.meaning();
        lines.extend(self.example());
        if let Kind::Enum(_) = self.kind {
            lines.push(format!("#[schemars(with = \"{}\")]", self.optional(&self.type_name())));
        }
        lines.push(format!("pub {}: {},", self.name, self.optional(&kind)));
        lines
    }

    fn meaning(&self) -> Vec<String> {
        let Kind::Ref(to) = &self.kind else { return Vec::new() };
        vec![format!("/// One of the same user's {}.", to.replace('_', " "))]
    }

    fn rules(&self) -> Option<String> {
        match &self.kind {
            Kind::Text { min: 0, max } => {
                Some(format!("#[validate(length(max = {}))]", grouped(i64::from(*max))))
            }
            Kind::Text { min, max } => Some(format!(
                "#[validate(length(min = {min}, max = {}), custom(function = visible))]",
                grouped(i64::from(*max))
            )),
            Kind::Int { min, max } => {
                let bounds: Vec<_> = [("min", *min, -MOST), ("max", *max, MOST)]
                    .into_iter()
                    .filter(|(_, bound, usual)| bound != usual)
                    .map(|(name, bound, _)| format!("{name} = {}", grouped(bound)))
                    .collect();
                (!bounds.is_empty()).then(|| format!("#[validate(range({}))]", bounds.join(", ")))
            }
            _ => None,
        }
    }

    /// In the `input!` of a new record.
    pub fn in_create(&self) -> Vec<String> {
        let mut lines: Vec<_> =
            self.own().into_iter().chain(self.rules()).chain(self.example()).collect();
        let default = self.default.as_ref().map(|literal| format!(" = {}", self.value(literal)));
        let kind = self.optional(&self.owned());
        lines.push(format!("pub {}: {kind}{},", self.name, default.unwrap_or_default()));
        lines
    }

    /// In the `input!` of a merge patch.
    pub fn in_update(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.own().into_iter().chain(self.rules()).collect();
        lines.push(format!("pub {}: Patch<{}>,", self.name, self.optional(&self.owned())));
        lines
    }

    fn own(&self) -> Option<String> {
        let Kind::Ref(to) = &self.kind else { return None };
        Some(format!("/// One of the caller's own {}.", to.replace('_', " ")))
    }

    fn value(&self, literal: &Literal) -> String {
        match literal {
            Literal::Text(text) if matches!(self.kind, Kind::Enum(_)) => {
                format!("{}::{}", self.type_name(), names::pascal(text))
            }
            Literal::Text(text) => format!("{text:?}.to_owned()"),
            Literal::Int(number) => grouped(*number),
            Literal::Float(number) => number.clone(),
            Literal::Bool(value) => value.to_string(),
        }
    }

    /// The record's member, made of the input's.
    pub fn member(&self) -> String {
        let name = &self.name;
        match (&self.kind, self.nullable) {
            (Kind::Text { .. }, false) => format!("{name}: &self.{name},"),
            (Kind::Text { .. }, true) => format!("{name}: self.{name}.as_deref(),"),
            (Kind::Enum(_), false) => format!("{name}: self.{name}.as_str(),"),
            (Kind::Enum(_), true) => {
                format!("{name}: self.{name}.map({}::as_str),", self.type_name())
            }
            (Kind::Json | Kind::Bytes { .. }, _) => format!("{name}: self.{name}.clone(),"),
            _ => format!("{name}: self.{name},"),
        }
    }

    /// The argument of the statement that inserts a record.
    pub fn create_argument(&self, record: &str) -> String {
        let name = &self.name;
        match (&self.kind, self.nullable) {
            (Kind::Json, false) => format!("(&{record}.{name}).into(),"),
            (Kind::Json, true) => format!("{record}.{name}.as_ref().into(),"),
            (Kind::Bytes { .. }, _) => format!("{record}.{name}.clone().into(),"),
            _ => format!("{record}.{name}.into(),"),
        }
    }

    /// How the statement that changes a record sets it, from an argument of this number on, and the
    /// arguments.
    pub fn change(&self, number: usize) -> (String, Vec<String>) {
        let name = &self.name;
        if self.nullable {
            let sets =
                format!("{name} = CASE WHEN ${number} THEN ${} ELSE {name} END,", number + 1);
            let arguments = ["is_given", "value"].map(|it| format!("change.{name}.{it}().into(),"));
            return (sets, arguments.to_vec());
        }
        (
            format!("{name} = COALESCE(${number}, {name}),"),
            vec![format!("change.{name}.given().into(),")],
        )
    }

    /// That a reference is to a record of the same user, for the argument of this number; indented so
    /// much.
    pub fn guard(&self, number: usize, may_be_null: bool, indent: usize) -> Option<String> {
        let Kind::Ref(to) = &self.kind else { return None };
        let own = format!("SELECT 1 FROM {to} WHERE id = ${number} AND user_id = $1");
        if !may_be_null {
            return Some(format!("EXISTS ({own})"));
        }
        let null = format!("(CAST(${number} AS uuid) IS NULL OR EXISTS (");
        Some(format!("{null}\n{:indent$}    {own}\n{:indent$}))", "", ""))
    }

    /// What a list can be narrowed by: its parameter, type, meaning, and the beginning of the condition.
    pub fn filters(&self, unique: bool) -> Vec<Filter> {
        let name = &self.name;
        let filter = |parameter: String, meaning: String, condition: String| Filter {
            parameter,
            kind: self.owned(),
            meaning,
            condition,
        };
        let words = self.words();
        match &self.kind {
            Kind::Date | Kind::Time => {
                let base = name.strip_suffix("_at").unwrap_or(name);
                let but = |word: &str| format!("With a `{name}` {word} than this.");
                vec![
                    filter(format!("{base}_before"), but("earlier"), format!("{name} <")),
                    filter(format!("{base}_after"), but("later"), format!("{name} >")),
                ]
            }
            Kind::Ref(_) => vec![filter(
                name.clone(),
                format!("Only those of this {words}."),
                format!("{name} ="),
            )],
            Kind::Text { .. } if !unique => Vec::new(),
            Kind::Enum(_) | Kind::Bool | Kind::Uuid | Kind::Text { .. } => {
                vec![filter(
                    name.clone(),
                    format!("Only those with this `{name}`."),
                    format!("{name} ="),
                )]
            }
            _ => Vec::new(),
        }
    }

    /// In `sorts`, where lists can be sorted by it.
    pub fn in_sorts(&self) -> Option<String> {
        let column = self.sort()?;
        let name = &self.name;
        if column == *name {
            return Some(format!("{name},"));
        }
        Some(format!("{name} = \"{column}\" => {name}.unwrap_or({}::INFINITY),", self.owned()))
    }

    /// A value as JSON, for a test.
    pub fn sample(&self) -> Option<String> {
        Some(match &self.kind {
            Kind::Text { min, max } => {
                let words: String = self.words().chars().take(*max as usize).collect();
                format!("\"{words:x<0$}\"", *min as usize)
            }
            Kind::Int { min, max } => grouped((*min).max(1).min(*max)),
            Kind::Float => "1.5".to_owned(),
            Kind::Bool => "true".to_owned(),
            Kind::Date => "\"2026-12-24\"".to_owned(),
            Kind::Time => "\"2026-12-24T18:00:00.000Z\"".to_owned(),
            Kind::Uuid => "\"01890000-0000-7000-8000-000000000000\"".to_owned(),
            Kind::Json => "{ \"any\": [\"thing\"] }".to_owned(),
            Kind::Bytes { .. } => "\"AQ==\"".to_owned(),
            Kind::Enum(variants) => format!("\"{}\"", variants[0]),
            Kind::Ref(_) => return None,
        })
    }

    /// In the checks' declaration of the resource.
    pub fn in_checks(&self, unique: Option<&str>) -> String {
        let name = &self.name;
        let mut text = match &self.kind {
            Kind::Text { min, max } => {
                format!("Field::text(\"{name}\", {min}, {})", grouped(i64::from(*max)))
            }
            Kind::Int { min, max } => {
                format!("Field::integer(\"{name}\", {}, {})", grouped(*min), grouped(*max))
            }
            Kind::Float => format!("Field::number(\"{name}\", f64::MIN, f64::MAX)"),
            Kind::Bool => format!("Field::flag(\"{name}\")"),
            Kind::Date => format!("Field::date(\"{name}\")"),
            Kind::Time => format!("Field::time(\"{name}\")"),
            Kind::Uuid => format!("Field::uuid(\"{name}\")"),
            Kind::Json => format!("Field::json(\"{name}\")"),
            Kind::Bytes { .. } => {
                format!("Field::form(\"{name}\", &[\"AQ==\", \"/w==\"], &[\"AQ\", \"no base64\"])")
            }
            Kind::Enum(variants) => {
                let list =
                    variants.iter().map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(", ");
                format!("Field::choice(\"{name}\", &[{list}])")
            }
            Kind::Ref(to) => format!("Field::reference(\"{name}\", &{to}::RESOURCE)"),
        };
        if let Some(literal) = &self.default {
            let literal = match literal {
                Literal::Text(value) => format!("Literal::Text({value:?})"),
                Literal::Int(number) => format!("Literal::Integer({})", grouped(*number)),
                Literal::Float(number) => format!("Literal::Number({number})"),
                Literal::Bool(value) => format!("Literal::Flag({value})"),
            };
            text.extend([format!(".default({literal})")]);
        } else if !self.nullable {
            text.push_str(".required()");
        }
        if self.visible() {
            text.push_str(".visible()");
        }
        if let Some(code) = unique {
            text.extend([format!(".unique(\"{code}\")")]);
        }
        text + ","
    }
}

/// A parameter of a list's query.
pub struct Filter {
    pub parameter: String,
    kind: String,
    meaning: String,
    condition: String,
}

impl Filter {
    pub fn in_input(&self) -> Vec<String> {
        vec![
            format!("/// {}", self.meaning),
            format!("pub {}: Option<{}>,", self.parameter, self.kind),
        ]
    }

    pub fn is_text(&self) -> bool {
        self.kind == "String"
    }

    pub fn narrows(&self) -> String {
        let value = if self.is_text() { "as_deref().map(Into::into)" } else { "map(Into::into)" };
        format!("narrow(\"{}\", filter.{}.{value});", self.condition, self.parameter)
    }

    pub fn in_checks(&self, field: &Field) -> String {
        let (parameter, name) = (&self.parameter, &field.name);
        match self.condition.chars().last() {
            Some('<') => format!("Filter::before(\"{parameter}\", \"{name}\")"),
            Some('>') => format!("Filter::after(\"{parameter}\", \"{name}\")"),
            _ => format!("Filter::equal(\"{parameter}\")"),
        }
    }
}

/// As Clippy wants numbers: in threes from five digits on.
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let sign = if number < 0 { "-" } else { "" };
    if digits.len() < 5 {
        return format!("{sign}{digits}");
    }
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    sign.to_owned() + &text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let due = ["0", "-1", "4000", "10_000", "-100_000", "9_007_199_254_740_991"];
        assert_eq!([0, -1, 4000, 10_000, -100_000, MOST].map(grouped), due);
    }
}
