//! `trireme add resource`.

use crate::{
    checks, format,
    migration::{self, Dialect, unique_name},
    names::Names,
    product::Product,
    refusal::{Refusal, Result},
    requests,
    resource::{self, Resource},
    spec::{self, Field, Kind},
    tree::Tree,
};

/// What is typed behind `trireme add resource`.
#[derive(Clone, Debug, Default)]
pub struct NewResource {
    /// Its plural.
    pub name: String,
    pub singular: Option<String>,
    /// `number:text(1..40)` and the like.
    pub fields: Vec<String>,
    /// Names of fields that no two records of a user have the same of; several joined by commas.
    pub unique: Vec<String>,
}

/// Plans a resource: its migration, its folder, its checks and tests, and whatever names it. Gives its
/// singular.
pub fn resource(tree: &mut Tree, asked: &NewResource) -> Result<String> {
    let names = Names::new(&asked.name, asked.singular.as_deref())?;
    let fields = spec::fields(&asked.fields)?;
    let mut product = Product { tree };
    if product.resources()?.contains(&names.plural) {
        let refusal = Refusal::new(
            format!("There is a resource `{}` already.", names.plural),
            format!("Give it another field: trireme add field {} NAME:KIND", names.plural),
        );
        return Err(refusal.at(&asked.name, 0..asked.name.len()));
    }
    if fields.is_empty() {
        let remedy =
            format!("Name one at least: trireme add resource {} name:text(1..100)", names.plural);
        return Err(Refusal::new("A resource without fields holds nothing.", remedy));
    }
    product.check_references(&asked.fields, &fields, &names.plural)?;
    let unique = unique(&names.plural, &asked.unique, &fields)?;
    let resource = Resource { names, fields, unique };
    check(&resource, &asked.fields)?;

    let Resource { names, fields, unique } = &resource;
    product.add_migration(&names.plural, |dialect: Dialect| {
        migration::table(dialect, names, fields, unique)
    })?;
    for (file, text) in resource.files() {
        let text = format::rust(product.tree, &text)?;
        product.tree.create(format!("src/{}/{file}", names.plural), text)?;
    }
    product.add_codes(&resource.codes())?;
    product.enter(names)?;
    checks::add(&mut product, &resource)?;
    requests::add(&mut product, &resource)?;
    format::changed(tree)?;
    Ok(resource.names.singular)
}

/// The sets of fields that are unique together.
fn unique(table: &str, asked: &[String], fields: &[Field]) -> Result<Vec<Vec<String>>> {
    let mut sets: Vec<Vec<String>> = Vec::new();
    for typed in asked {
        let mut set: Vec<String> = Vec::new();
        let mut at = 0;
        for name in typed.split(',') {
            let place = at..at + name.len();
            at = place.end + 1;
            let field = fields.iter().find(|field| {
                field.name == name || field.name.strip_suffix("_id").is_some_and(|it| it == name)
            });
            let Some(field) = field else {
                let refusal = Refusal::new(
                    format!("There is no field `{name}` that could be unique."),
                    format!("Name fields of this resource: {}.", list(fields)),
                );
                return Err(refusal.at(typed, place));
            };
            if set.contains(&field.name) {
                return Err(Refusal::new(format!("`{name}` is there twice."), "Name it once.")
                    .at(typed, place));
            }
            if field.nullable {
                let what = format!("`{name}` may be null, and no null is the same as another.");
                let remedy = "Leave `?` away, or leave the field out of --unique.";
                return Err(Refusal::new(what, remedy).at(typed, place));
            }
            set.push(field.name.clone());
        }
        let is_same = |other: &Vec<String>| {
            other.len() == set.len() && set.iter().all(|name| other.contains(name))
        };
        if sets.iter().any(is_same) {
            let refusal = Refusal::new("These are unique already.", "Say so once.");
            return Err(refusal.at(typed, 0..typed.len()));
        }
        check_index(table, &set, fields).map_err(|refusal| refusal.at(typed, 0..typed.len()))?;
        sets.push(set);
    }
    for (typed, set) in asked.iter().zip(&sets) {
        if resource::told_by(set, &sets, fields).is_none() {
            let refusal = Refusal::new(
                "What is unique has a text that no other --unique has: the checks tell records apart by it.",
                "Add such a text, or leave this out and write the constraint by hand.",
            );
            return Err(refusal.at(typed, 0..typed.len()));
        }
    }
    Ok(sets)
}

/// What PostgreSQL's B-trees take of a row, without the user and some bytes a column.
const INDEXED: u64 = 2600;

/// What PostgreSQL takes of a name.
const NAMED: usize = 63;

fn check_index(table: &str, set: &[String], fields: &[Field]) -> Result<()> {
    let bytes: u64 = fields
        .iter()
        .filter(|field| set.contains(&field.name))
        .map(|field| match &field.kind {
            Kind::Text { max, .. } => u64::from(*max) * 4,
            Kind::Bytes { max } => u64::from(*max),
            Kind::Json => u64::MAX / 64,
            _ => 16,
        })
        .sum();
    if bytes > INDEXED {
        return Err(Refusal::new(
            format!("An index takes {INDEXED} bytes of what is unique, and this may have more."),
            "Give its texts less: text(..650) has so many, a character up to 4. Leave json away.",
        ));
    }
    if unique_name(table, set).len() > NAMED {
        return Err(Refusal::new(
            format!(
                "The constraint would be called `{}`, which is too long.",
                unique_name(table, set)
            ),
            format!("Use shorter names: {NAMED} characters at most together."),
        ));
    }
    Ok(())
}

fn list(fields: &[Field]) -> String {
    fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// What only all fields together show.
fn check(resource: &Resource, typed: &[String]) -> Result<()> {
    let record = resource.names.record();
    let filters = resource.filters();
    for (typed, field) in typed.iter().zip(&resource.fields) {
        let name = 0..typed.find(':').unwrap_or(typed.len());
        if matches!(field.kind, Kind::Enum(_)) && field.type_name() == record {
            let what = format!("The enumeration would be called `{record}`, as the record is.");
            return Err(Refusal::new(what, "Call the field something else.").at(typed, name));
        }
        let twice = filters.iter().find(|(of, filter)| {
            let same = |(other, it): &&(&Field, _)| {
                other.name != of.name && filter_name(it) == filter.parameter
            };
            of.name == field.name && filters.iter().any(|other| same(&other))
        });
        if let Some((_, filter)) = twice {
            let what = format!("Two fields give the list a parameter `{}`.", filter.parameter);
            return Err(Refusal::new(what, "Call one of them something else.").at(typed, name));
        }
    }
    Ok(())
}

fn filter_name(filter: &crate::field::Filter) -> String {
    filter.parameter.clone()
}
