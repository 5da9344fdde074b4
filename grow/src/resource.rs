//! A resource's folder.

use std::collections::BTreeSet;

use crate::{
    field::Filter,
    migration::unique_name,
    names::Names,
    spec::{Field, Kind},
    template::{fill, lines},
};

/// What is asked for.
pub struct Resource {
    pub names: Names,
    pub fields: Vec<Field>,
    /// Fields that no two records of a user have the same of, together.
    pub unique: Vec<Vec<String>>,
}

macro_rules! template {
    ($name:literal) => {
        include_str!(concat!("../templates/resource/", $name))
    };
}

impl Resource {
    /// Its files, by their names in its folder; not yet formatted.
    pub fn files(&self) -> [(&'static str, String); 7] {
        let (plural, singular, record) =
            (&self.names.plural, &self.names.singular, self.names.record());
        let words = self.names.words();
        let life = if self.borrows() { "<'a>" } else { "" };
        let elided = if self.borrows() { "<'_>" } else { "" };
        let base = [
            ("plural", plural.as_str()),
            ("singular", singular),
            ("Record", &record),
            ("words", &words),
            ("life", life),
            ("elided", elided),
        ];
        let file = |template: &str, values: &[(&str, String)]| {
            let values: Vec<_> =
                values.iter().map(|(name, value)| (*name, value.as_str())).collect();
            fill(template, &[&base[..], &values].concat())
        };
        [
            ("mod.rs", file(template!("mod.rs"), &self.in_mod())),
            ("create.rs", file(template!("create.rs"), &self.in_create())),
            ("get.rs", file(template!("get.rs"), &[])),
            ("list.rs", file(template!("list.rs"), &self.in_list())),
            ("update.rs", file(template!("update.rs"), &self.in_update())),
            ("delete.rs", file(template!("delete.rs"), &[])),
            ("sql.rs", file(template!("sql.rs"), &self.in_sql())),
        ]
    }

    fn borrows(&self) -> bool {
        self.fields.iter().any(Field::borrows)
    }

    fn references(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| matches!(field.kind, Kind::Ref(_)))
    }

    /// The filters of its list, each with its field.
    pub fn filters(&self) -> Vec<(&Field, Filter)> {
        let filters = self.fields.iter().flat_map(|field| {
            let unique = self.unique.iter().any(|it| it.len() == 1 && it[0] == field.name);
            field.filters(unique).into_iter().map(move |filter| (field, filter))
        });
        filters.collect()
    }

    fn imports(&self) -> Vec<&'static str> {
        self.fields.iter().filter_map(Field::import).collect()
    }

    fn in_mod(&self) -> Vec<(&'static str, String)> {
        let mut names = [self.imports(), vec!["Timestamp", "Uuid"]].concat();
        let mut uses = String::new();
        if !self.unique.is_empty() {
            names.extend(["Error", "sql::DatabaseError"]);
            uses.push_str("\n\nuse crate::codes;");
        }
        let enums = self.fields.iter().map(|field| enumeration(&self.names, field));
        let fields = self.fields.iter().flat_map(|field| {
            let mut lines = field.in_record();
            if self.unique.iter().any(|it| it.len() == 1 && it[0] == field.name) {
                lines.insert(
                    0,
                    format!(
                        "/// No two {} of a user have the same.",
                        self.names.plural.replace('_', " ")
                    ),
                );
            }
            lines
        });
        let sorts = ["created_at,", "updated_at,"].map(str::to_owned);
        let sorts = sorts.into_iter().chain(self.fields.iter().filter_map(Field::in_sorts));
        vec![
            ("Plural", capital(&self.names.plural.replace('_', " "))),
            ("A", capital(&self.names.a())),
            ("uses", import("trireme", &names) + &uses),
            ("enums", enums.collect()),
            ("fields", lines(8, fields)),
            ("sorts", lines(8, sorts)),
            ("refused", self.refused()),
        ]
    }

    fn refused(&self) -> String {
        let arms: Vec<String> = self.unique.iter().map(|fields| self.taken(fields)).collect();
        if arms.is_empty() {
            return String::new();
        }
        format!(
            "\n/// What a caller is told of what the database refuses.\n\
             fn refused(error: DatabaseError) -> Error {{\n    match &error {{\n{}\n        _ => error.into(),\n    }}\n}}\n",
            lines(8, arms)
        )
    }

    /// The arm for a constraint.
    fn taken(&self, fields: &[String]) -> String {
        format!(
            "DatabaseError::Constraint(name) if name == \"{}\" => {{\n            \
             Error::new(codes::{}, \"{}\")\n        }}",
            unique_name(&self.names.plural, fields),
            self.code(fields).to_uppercase(),
            self.taken_detail(fields),
        )
    }

    fn taken_detail(&self, fields: &[String]) -> String {
        let words = fields.iter().map(|it| it.replace('_', " ")).collect::<Vec<_>>().join(" and ");
        format!("Another of your {} has this {words}.", self.names.plural.replace('_', " "))
    }

    /// The code of a record that there is already.
    pub fn code(&self, fields: &[String]) -> String {
        format!("{}_{}_taken", self.names.singular, fields.join("_"))
    }

    /// The lines of `codes!`.
    pub fn codes(&self) -> Vec<String> {
        let line = |fields: &Vec<String>| {
            let code = self.code(fields);
            let constant = code.to_uppercase();
            let title = capital(&code.replace('_', " "));
            let words =
                fields.iter().map(|it| it.replace('_', " ")).collect::<Vec<_>>().join(" and ");
            let plural = self.names.plural.replace('_', " ");
            format!(
                "{constant} \"{code}\" 409 \"{title}\"\n        \"Another of the caller's {plural} has this {words}.\";"
            )
        };
        self.unique.iter().map(line).collect()
    }

    fn in_create(&self) -> Vec<(&'static str, String)> {
        let refused = !self.unique.is_empty();
        let references = self.reference_list(|name, nullable| {
            if nullable { format!("input.{name}") } else { format!("Some(input.{name})") }
        });
        let mut names =
            vec!["Answer", "Context", "Host", "Operation", "Timestamp", "Uuid", "idempotency"];
        names.extend(self.imports());
        names.extend(self.visible());
        let mut supers = vec![self.names.record(), "sql".to_owned()];
        supers.extend(self.enums());
        let end = if references.is_empty() {
            names.push("Error");
            let text = format!("{} was not inserted", self.names.a());
            format!("    created.ok_or_else(|| Error::internal(\"{text}\"))")
        } else {
            names.push("outcome");
            if !refused {
                names.push("Error");
            }
            format!(
                "    let references = [{references}];\n    outcome::created(cx, created, &references).await"
            )
        };
        if refused {
            supers.push("refused".to_owned());
        }
        let codes = self.code_list();
        vec![
            ("uses", list(&names)),
            ("supers", list(&supers)),
            ("codes", if refused { "use crate::codes;" } else { "" }.to_owned()),
            ("fields", lines(8, self.fields.iter().flat_map(Field::in_create))),
            ("members", lines(12, self.fields.iter().map(Field::member))),
            ("refusal", if refused { "refused" } else { "Error::from" }.to_owned()),
            ("end", end),
            ("fails", if refused { format!(".fails(&[{codes}])") } else { String::new() }),
        ]
    }

    fn code_list(&self) -> String {
        let codes =
            self.unique.iter().map(|fields| format!("codes::{}", self.code(fields).to_uppercase()));
        codes.collect::<Vec<_>>().join(", ")
    }

    fn visible(&self) -> Option<&'static str> {
        self.fields.iter().any(Field::visible).then_some("validate::visible")
    }

    fn enums(&self) -> impl Iterator<Item = String> {
        let enums = self.fields.iter().filter(|field| matches!(field.kind, Kind::Enum(_)));
        enums.map(Field::type_name)
    }

    /// `("customer_id", "customers", …)` for each reference.
    fn reference_list(&self, value: impl Fn(&str, bool) -> String) -> String {
        self.references().map(|field| reference(field, &value)).collect::<Vec<_>>().join(", ")
    }

    fn in_update(&self) -> Vec<(&'static str, String)> {
        let refused = !self.unique.is_empty();
        let references = self.reference_list(given);
        let mut names = vec![
            "Answer",
            "Context",
            "Host",
            "Operation",
            "Precondition",
            "outcome",
            "validate::Patch",
        ];
        names.extend(self.imports());
        names.extend(self.visible());
        let record = self.names.record();
        let mut supers = vec![record.clone(), "sql".to_owned()];
        supers.extend(self.enums());
        supers.extend(refused.then(|| "refused".to_owned()));
        let mut end = String::new();
        let mut told = "None";
        if !references.is_empty() {
            end = format!(
                "    let references = [{references}];\n    \
                 let unknown = outcome::unknown(cx, &rows[0], &references).await?;\n"
            );
            told = "unknown";
        }
        end.extend([format!(
            "    outcome::changed::<{record}, _>(&rows[0], &rows[1], &demanded, || {told})"
        )]);
        let codes =
            if refused { format!(".fails(&[{}])", self.code_list()) } else { String::new() };
        vec![
            ("uses", list(&names)),
            ("supers", list(&supers)),
            ("codes", if refused { "use crate::codes;" } else { "" }.to_owned()),
            ("fields", lines(8, self.fields.iter().flat_map(Field::in_update))),
            ("refusal", if refused { ".map_err(refused)" } else { "" }.to_owned()),
            ("end", end),
            ("fails", codes),
        ]
    }

    fn in_list(&self) -> Vec<(&'static str, String)> {
        let filters = self.filters();
        let record = self.names.record();
        let plural = &self.names.plural;
        let mut names = vec!["Answer", "Context", "Host", "Operation", "page::Page", "respond"];
        let mut supers = vec![record.clone(), "sql".to_owned()];
        let (filter, taken, statement, told) = if filters.is_empty() {
            names.push("validate::Nothing");
            (String::new(), "Nothing {}".to_owned(), "sql::list(cx.caller()?.user)".to_owned(), "")
        } else {
            for (field, _) in &filters {
                names.extend(field.import());
                if let Kind::Enum(_) = field.kind {
                    supers.push(field.type_name());
                }
            }
            let fields: Vec<String> =
                filters.iter().flat_map(|(_, filter)| filter.in_input()).collect();
            (
                filter_input(&fields),
                "filter".to_owned(),
                "sql::list(cx.caller()?.user, &filter)".to_owned(),
                ".filter::<Filter>()",
            )
        };
        let kind = if filters.is_empty() { "_" } else { "Filter" };
        let handle = format!(
            "    let (page, {taken}) = cx.page::<{record}, {kind}>(\"{plural}\")?;\n    \
             let rows = cx.as_caller(&[page.finish({statement})]).await?;\n    \
             respond::page::<_, {record}>(cx, &page, &rows[0]).await"
        );
        vec![
            ("uses", list(&names)),
            ("supers", list(&supers)),
            ("filter", filter),
            ("handle", handle),
            ("filters", told.to_owned()),
        ]
    }

    fn in_sql(&self) -> Vec<(&'static str, String)> {
        let (singular, record) = (&self.names.singular, self.names.record());
        let filters = self.filters();
        let mut supers = vec![record.clone(), "update".to_owned()];
        let list_text = if filters.is_empty() {
            list_all(&self.names)
        } else {
            supers.push("list".to_owned());
            list_narrowed(
                &self.names,
                &filters.iter().map(|(_, filter)| filter).collect::<Vec<_>>(),
            )
        };
        let columns: Vec<&str> = self.fields.iter().map(|field| field.name.as_str()).collect();
        let columns =
            [&["id", "user_id"], &columns[..], &["created_at", "updated_at", "version"]].concat();
        let values: Vec<String> =
            (FIRST..FIRST + self.fields.len()).map(|number| format!("${number}")).collect();
        let values = format!("$2, $1, {}, $3, $3, 1", values.join(", "));
        let numbered = || self.fields.iter().zip(FIRST..);
        let guards: String = numbered()
            .filter_map(|(field, number)| field.guard(number, field.nullable, 9))
            .map(|guard| format!("{guard}\n         AND "))
            .collect();
        let (mut changes, mut change_arguments, mut change_guards) =
            (Vec::new(), Vec::new(), String::new());
        let mut number = FIRST;
        for field in &self.fields {
            let (set, arguments) = field.change(number);
            number += arguments.len();
            changes.push(set);
            change_arguments.extend(arguments);
            if let Some(guard) = field.guard(number - 1, true, 13) {
                change_guards.extend([format!("\n             AND {guard}")]);
            }
        }
        let referred: Vec<_> = self.references().map(Field::words).collect();
        let owned = match referred.len() {
            0 => "Under an idempotency key only if the key was taken for this record.".to_owned(),
            1 => owned(&format!("the {} is", referred[0])),
            _ => owned(&format!("{} are", referred.join(" and "))),
        };
        vec![
            ("supers", list(&supers)),
            ("list", list_text),
            ("owned", owned),
            ("columns", wrapped(&columns, 15)),
            ("values", values),
            ("guards", guards),
            ("key", "4".to_owned()),
            (
                "create_arguments",
                lines(12, self.fields.iter().map(|field| field.create_argument(singular))),
            ),
            ("changes", lines(17, changes)),
            ("change_guards", change_guards),
            ("change_arguments", lines(12, change_arguments)),
        ]
    }
}

/// The text of a unique set that is in no other: the checks tell records apart by it.
pub fn told_by<'a>(set: &[String], sets: &[Vec<String>], fields: &'a [Field]) -> Option<&'a Field> {
    let is_own = |name: &String| sets.iter().filter(|other| other.contains(name)).count() == 1;
    fields.iter().find(|field| {
        matches!(field.kind, Kind::Text { .. }) && set.contains(&field.name) && is_own(&field.name)
    })
}

/// The number of the first field's argument: before it stand user, id, and two more.
pub const FIRST: usize = 5;

/// The statement of a list without filters.
pub fn list_all(names: &Names) -> String {
    let values = [("plural", names.plural.as_str()), ("Record", &names.record())];
    fill(include_str!("../templates/resource/list.all.rs"), &values)
}

/// The statement of a list with filters.
pub fn list_narrowed(names: &Names, filters: &[&Filter]) -> String {
    let narrows = lines(4, filters.iter().map(|filter| filter.narrows()));
    let borrows = filters.iter().any(|filter| filter.is_text());
    let [life, borrowed, told] =
        if borrows { ["<'a>", "&'a ", "'a"] } else { ["", "&", "'static"] };
    let values = [
        ("plural", names.plural.as_str()),
        ("Record", &names.record()),
        ("life", life),
        ("borrowed", borrowed),
        ("told", told),
        ("narrows", &narrows),
    ];
    fill(include_str!("../templates/resource/list.narrowed.rs"), &values)
}

/// `input!` of a list's filters.
pub fn filter_input(fields: &[String]) -> String {
    let fields = lines(8, fields.iter().cloned());
    format!(
        "trireme::input! {{\n    #[derive(Debug)]\n    pub struct Filter {{\n{fields}\n    }}\n}}\n\n"
    )
}

fn owned(referred: &str) -> String {
    format!(
        "Inserts if {referred} the user's own, and, under an idempotency key, only if the key was\n\
         /// taken for this record."
    )
}

/// `text_enum!` of a field that is one.
pub fn enumeration(names: &Names, field: &Field) -> String {
    let Kind::Enum(variants) = &field.kind else { return String::new() };
    let kind = field.type_name();
    let variants: Vec<_> =
        variants.iter().map(|it| format!("{} = \"{it}\"", crate::names::pascal(it))).collect();
    let one = format!("    {kind} {{ {} }}", variants.join(", "));
    let body = if one.len() <= 100 {
        one
    } else {
        format!("    {kind} {{\n        {},\n    }}", variants.join(",\n        "))
    };
    format!(
        "trireme::text_enum! {{\n    /// The {} of {}.\n    #[schemars(rename = \"{}{kind}\")]\n{body}\n}}\n\n",
        field.words(),
        names.a(),
        names.record(),
    )
}

/// `("customer_id", "customers", …)`.
pub fn reference(field: &Field, value: impl Fn(&str, bool) -> String) -> String {
    let Kind::Ref(to) = &field.kind else { return String::new() };
    format!("(\"{}\", \"{to}\", {})", field.name, value(&field.name, field.nullable))
}

/// What a merge patch says of a reference.
pub fn given(name: &str, nullable: bool) -> String {
    let what = if nullable { "value" } else { "given" };
    format!("input.{name}.{what}().copied()")
}

pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// What is imported, sorted; two of one module share its name.
fn list(names: &[impl AsRef<str>]) -> String {
    let names: BTreeSet<&str> = names.iter().map(AsRef::as_ref).collect();
    let list = names.into_iter().collect::<Vec<_>>().join(", ");
    list.replace("validate::Patch, validate::visible", "validate::{Patch, visible}")
}

fn import(from: &str, names: &[&str]) -> String {
    format!("use {from}::{{{}}};", list(names))
}

/// Words with commas, broken before the line's hundredth letter.
fn wrapped(words: &[&str], indent: usize) -> String {
    let mut text = String::new();
    let mut width = indent + 20;
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            text.push(',');
            if width + word.len() > 92 {
                text.extend([format!("\n{:1$}", "", indent - 2)]);
                width = indent;
            } else {
                text.push(' ');
            }
        }
        text.push_str(word);
        width += word.len() + 2;
    }
    text
}
