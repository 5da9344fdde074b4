//! `trireme add field`: a column in a resource that people may have edited since.

use proc_macro2::Delimiter;

use crate::{
    field::Filter,
    format,
    migration::{self, Dialect},
    names::{self, Names},
    product::Product,
    refusal::{Refusal, Result},
    resource,
    rust::{Body, Source},
    spec::{self, Field, Kind},
    statement,
    tree::Tree,
};

/// What is typed behind `trireme add field`.
#[derive(Clone, Debug)]
pub struct NewFields {
    pub resource: String,
    /// `paid_at:time?` and the like.
    pub fields: Vec<String>,
}

/// Plans columns: their migration, and their places in the resource's files and checks.
pub fn fields(tree: &mut Tree, asked: &NewFields) -> Result<()> {
    let fields = spec::fields(&asked.fields)?;
    let plural = &asked.resource;
    let mut product = Product { tree };
    let resources = product.resources()?;
    if !resources.contains(plural) {
        let remedy = format!(
            "Add it: trireme add resource {plural} …. There are: {}.",
            resources.join(", ")
        );
        let refusal = Refusal::new(format!("There is no resource `{plural}`."), remedy);
        return Err(refusal.at(plural, 0..plural.len()));
    }
    if fields.is_empty() {
        return Err(Refusal::new(
            "No field is named.",
            format!("Such as: trireme add field {plural} paid_at:time?"),
        ));
    }
    product.check_references(&asked.fields, &fields, plural)?;
    for (typed, field) in asked.fields.iter().zip(&fields) {
        if !field.nullable && field.default.is_none() {
            let refusal = Refusal::new(
                format!("The {} that are there need a value.", plural.replace('_', " ")),
                "Make it nullable by `?` behind the kind, or give a default by `=value`.",
            );
            return Err(refusal.at(typed, typed.len()..typed.len()));
        }
    }
    let mut editor = Editor::open(&mut product, plural)?;
    for (typed, field) in asked.fields.iter().zip(&fields) {
        if editor.has(field)? {
            let refusal = Refusal::new(
                format!("There is a field `{}` already.", field.name),
                "Call the new one something else.",
            );
            return Err(refusal.at(typed, 0..typed.find(':').unwrap_or(typed.len())));
        }
        editor.add(field)?;
    }
    let names = editor.names;
    let name = match &fields[..] {
        [one] => format!("{plural}_{}", one.name),
        [one, other] => format!("{plural}_{}_and_{}", one.name, other.name),
        _ => format!("{plural}_{}_and_others", fields[0].name),
    };
    product
        .add_migration(&name, |dialect: Dialect| migration::columns(dialect, &names, &fields))?;
    format::changed(tree)
}

struct Editor<'p, 't> {
    product: &'p mut Product<'t>,
    names: Names,
    borrows: bool,
}

impl<'p, 't> Editor<'p, 't> {
    fn open(product: &'p mut Product<'t>, plural: &str) -> Result<Self> {
        let path = format!("src/{plural}/mod.rs");
        let source = Source::parse(&path, product.tree.read(&path)?)?;
        let lost = || {
            source.lost("`record!` with one struct", "add the column as docs/growing.md describes.")
        };
        let body = source.call("record").ok_or_else(lost)?;
        let record = body.word_after("struct").ok_or_else(lost)?;
        let names = Names { plural: plural.to_owned(), singular: names::snake(&record) };
        let borrows = source.text(body.inside()).contains("<'a>");
        Ok(Self { product, names, borrows })
    }

    fn path(&self, file: &str) -> String {
        format!("src/{}/{file}", self.names.plural)
    }

    /// The struct within `record!`.
    fn record(source: &Source<'_>) -> Option<Body> {
        source.call("record")?.group(Some("struct"), Delimiter::Brace)
    }

    fn has(&self, field: &Field) -> Result<bool> {
        let path = self.path("mod.rs");
        let source = Source::parse(&path, self.product.tree.read(&path)?)?;
        Ok(Self::record(&source).is_some_and(|record| record.item(&field.name).is_some()))
    }

    fn add(&mut self, field: &Field) -> Result<()> {
        if field.borrows() && !self.borrows {
            return Err(Refusal::new(
                format!(
                    "{} borrows nothing yet, and {} would be borrowed.",
                    self.names.record(),
                    field.name
                ),
                format!(
                    "Nothing was written. By hand: make it `{0}<'a>` in mod.rs, create.rs and sql.rs, and try again.",
                    self.names.record()
                ),
            ));
        }
        self.add_to_record(field)?;
        self.add_to_create(field)?;
        self.add_to_update(field)?;
        self.add_to_list(field)?;
        self.add_to_statements(field)?;
        self.add_to_checks(field)
    }

    fn add_to_record(&mut self, field: &Field) -> Result<()> {
        let (path, names) = (self.path("mod.rs"), self.names.clone());
        let lines = field.in_record();
        let by_hand = format!("add `{}` to the record.", lines.last().map_or("", String::as_str));
        self.product.edit(&path, |source| {
            let lost = |source: &Source<'_>| source.lost("`record!` with `created_at`", &by_hand);
            let Some(call) = source.call("record") else { return Err(lost(source)) };
            let place =
                call.group(Some("struct"), Delimiter::Brace).and_then(|it| it.item("created_at"));
            let Some(place) = place else { return Err(lost(source)) };
            if let Kind::Enum(_) = field.kind
                && let Some(line) = source.call_line("record")
            {
                source.insert(line, resource::enumeration(&names, field));
            }
            source.insert_lines(place, &lines);
            if let (Some(sort), Some(sorts)) =
                (field.in_sorts(), call.group(Some("sorts"), Delimiter::Brace))
            {
                source.append_entry(&sorts, sort.trim_end_matches(','));
            }
            field.import().into_iter().for_each(|name| source.import("trireme", name));
            Ok(())
        })
    }

    fn add_to_create(&mut self, field: &Field) -> Result<()> {
        let (path, record) = (self.path("create.rs"), self.names.record());
        let lines = field.in_create();
        let words = self.names.a();
        self.product.edit(&path, |source| {
            add_to_input(source, field, &lines)?;
            let made = source.whole().all_after(&[&record], Delimiter::Brace);
            let place = made.iter().find_map(|body| body.item("created_at"));
            let by_hand = format!("set `{}` where the record is made.", field.member());
            let Some(place) = place else { return Err(source.lost("record that is made", &by_hand)) };
            source.insert_lines(place, &[field.member()]);
            let Kind::Ref(_) = field.kind else { return Ok(()) };
            let value = |name: &str, nullable: bool| {
                if nullable { format!("input.{name}") } else { format!("Some(input.{name})") }
            };
            let reference = resource::reference(field, value);
            if let Some(list) = source.after(&["let", "references", "="], Delimiter::Bracket) {
                source.append_element(&list, &reference);
                return Ok(());
            }
            let end = format!("created.ok_or_else(|| Error::internal(\"{words} was not inserted\"))");
            let Some(at) = source.find(&end) else {
                return Err(source.lost(&format!("`{end}`"), "refuse a reference that is not the caller's own."));
            };
            let text = format!(
                "let references = [{reference}];\n    outcome::created(cx, created, &references).await"
            );
            source.replace(at..at + end.len(), text);
            source.import("trireme", "outcome");
            if source.find("Error::from").is_none() {
                source.remove_import("Error");
            }
            Ok(())
        })
    }

    fn add_to_update(&mut self, field: &Field) -> Result<()> {
        let path = self.path("update.rs");
        let lines = field.in_update();
        self.product.edit(&path, |source| {
            add_to_input(source, field, &lines)?;
            let Kind::Ref(_) = field.kind else { return Ok(()) };
            let reference = resource::reference(field, resource::given);
            if let Some(list) = source.after(&["let", "references", "="], Delimiter::Bracket) {
                source.append_element(&list, &reference);
                return Ok(());
            }
            let by_hand = "refuse a reference that is not the caller's own.";
            let (Some(outcome), Some(none)) =
                (source.find("outcome::changed::<"), source.find("|| None)"))
            else {
                return Err(source.lost("`outcome::changed(…, || None)`", by_hand));
            };
            source.insert_lines(
                outcome,
                &[
                    format!("let references = [{reference}];"),
                    "let unknown = outcome::unknown(cx, &rows[0], &references).await?;".to_owned(),
                ],
            );
            source.replace(none..none + "|| None)".len(), "|| unknown)");
            Ok(())
        })
    }

    fn add_to_list(&mut self, field: &Field) -> Result<()> {
        let filters = field.filters(false);
        if filters.is_empty() {
            return Ok(());
        }
        let (path, record) = (self.path("list.rs"), self.names.record());
        let lines: Vec<String> = filters.iter().flat_map(Filter::in_input).collect();
        self.product.edit(&path, |source| {
            if let Some(call) = source.call("input") {
                let place = call.group(Some("struct"), Delimiter::Brace);
                let Some(place) = place else {
                    return Err(source.lost("struct in `input!`", "add the filter."));
                };
                source.append_lines(&place, &lines);
            } else {
                let changes = [
                    ("(page, Nothing {})", "(page, filter)".to_owned()),
                    (&format!("cx.page::<{record}, _>"), format!("cx.page::<{record}, Filter>")),
                    (
                        "sql::list(cx.caller()?.user)",
                        "sql::list(cx.caller()?.user, &filter)".to_owned(),
                    ),
                    (
                        &format!(".page::<{record}>()"),
                        format!(".filter::<Filter>().page::<{record}>()"),
                    ),
                ];
                for (old, new) in changes {
                    let Some(at) = source.find(old) else {
                        return Err(source.lost(&format!("`{old}`"), "take a filter there."));
                    };
                    source.replace(at..at + old.len(), new);
                }
                let Some(at) = source.find("pub async fn handle") else {
                    return Err(source.lost("`handle`", "declare a filter."));
                };
                source.insert(at, resource::filter_input(&lines));
                source.remove_import("validate::Nothing");
            }
            import_types(source, field);
            Ok(())
        })
    }

    fn add_to_statements(&mut self, field: &Field) -> Result<()> {
        let (path, names) = (self.path("sql.rs"), self.names.clone());
        self.product.edit(&path, |source| {
            statement::add_to_create(source, &names, field)?;
            statement::add_to_update(source, field)?;
            statement::add_to_list(source, &names, field)
        })
    }

    fn add_to_checks(&mut self, field: &Field) -> Result<()> {
        let plural = self.names.plural.clone();
        self.product.edit(&format!("checks/src/{plural}.rs"), |source| {
            let declared = field.in_checks(None);
            let own = format!("&{plural}::RESOURCE");
            let declared = declared.trim_end_matches(',').replace(&own, "&RESOURCE");
            let lists = |source: &Source<'_>, name: &str| -> Option<Body> {
                let call =
                    source.whole().all_after(&[name], Delimiter::Parenthesis).into_iter().next()?;
                call.group(None, Delimiter::Bracket)
            };
            let by_hand = format!("add `{declared}` to its fields.");
            let Some(fields) = lists(source, "new") else {
                return Err(source.lost("`Resource::new`", &by_hand));
            };
            source.append_element(&fields, &declared);
            if field.sort().is_some() {
                let name = format!("\"{}\"", field.name);
                match lists(source, "sorts") {
                    Some(sorts) => source.append_element(&sorts, &name),
                    None => {
                        return Err(source.lost("`.sorts(&[…])`", &format!("add {name} to it.")));
                    }
                }
            }
            let filters: Vec<_> =
                field.filters(false).iter().map(|filter| filter.in_checks(field)).collect();
            if !filters.is_empty() {
                if let Some(list) = lists(source, "filters") {
                    source.append_element(&list, &filters.join(", "));
                } else {
                    let Some(sorts) = lists(source, "sorts") else {
                        return Err(source.lost("`.sorts(&[…])`", "add the filters behind it."));
                    };
                    let end = sorts.inside().end + "])".len();
                    source.insert(end, format!(".filters(&[{}])", filters.join(", ")));
                }
                source.import("trireme_verify", "Filter");
            }
            if field.default.is_some() {
                source.import("trireme_verify", "Literal");
            }
            if let Kind::Ref(to) = &field.kind
                && *to != plural
            {
                source.import_own(to);
            }
            Ok(())
        })
    }
}

fn add_to_input(source: &mut Source<'_>, field: &Field, lines: &[String]) -> Result<()> {
    let place = source.call("input").and_then(|call| call.group(Some("struct"), Delimiter::Brace));
    let by_hand = format!("add `{}` to it.", lines.last().map_or("", String::as_str));
    let Some(place) = place else { return Err(source.lost("`input!` with one struct", &by_hand)) };
    source.append_lines(&place, lines);
    import_types(source, field);
    if field.visible() {
        source.import("trireme", "validate::visible");
    }
    Ok(())
}

fn import_types(source: &mut Source<'_>, field: &Field) {
    field.import().into_iter().for_each(|name| source.import("trireme", name));
    if let Kind::Enum(_) = field.kind {
        source.import("super", &field.type_name());
    }
}
