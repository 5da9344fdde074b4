//! A resource in the product's tests, request by request.

use crate::{
    format, names,
    product::Product,
    refusal::Result,
    resource::Resource,
    spec::{Field, Kind},
    template::{fill, lines},
};

const MAIN: &str = "tests/requests/main.rs";

/// Adds its tests, where the product has tests of this kind, of what it has to refer to as well.
pub fn add(product: &mut Product<'_>, resource: &Resource) -> Result<()> {
    let Some((library, kind)) = product.names()? else { return Ok(()) };
    if product.tree.find(MAIN)?.is_none() {
        return Ok(());
    }
    let plural = &resource.names.plural;
    let mut parents = Vec::new();
    for to in required(&resource.fields) {
        let Some(singular) = singular(product, to)? else { return Ok(()) };
        if !parents.contains(&(to.to_owned(), singular.clone())) {
            parents.push((to.to_owned(), singular));
        }
    }
    let made = parents
        .iter()
        .map(|(to, singular)| format!("let {singular} = {to}::{singular}(world, user).await;"));
    let members = resource.fields.iter().filter_map(|field| {
        let value = match &field.kind {
            Kind::Ref(to) if !field.nullable => {
                let (_, singular) = parents.iter().find(|(other, _)| other == to)?;
                format!("{singular}.text(\"/id\")")
            }
            _ => field.sample()?,
        };
        Some(format!("\"{}\": {value},", field.name))
    });
    let modules: Vec<&str> = parents.iter().map(|(to, _)| to.as_str()).collect();
    let uses = match modules[..] {
        [] => String::new(),
        [one] => format!("use super::{one};"),
        _ => format!("use super::{{{}}};", modules.join(", ")),
    };
    let text = fill(
        include_str!("../templates/resource/test.rs"),
        &[
            ("lib", &library),
            ("Product", &kind),
            ("plural", plural),
            ("singular", &resource.names.singular),
            ("Record", &resource.names.record()),
            ("parents", &uses),
            ("made", &lines(4, made)),
            ("members", &lines(8, members)),
        ],
    );
    let text = format::rust(product.tree, &text)?;
    product.tree.create(format!("tests/requests/{plural}.rs"), text)?;
    let module = format!("mod {plural};");
    product.edit(MAIN, |source| {
        if source.insert_module(&module) {
            return Ok(());
        }
        Err(source.lost("`mod …;`", &format!("add `{module}`.")))
    })
}

fn required(fields: &[Field]) -> impl Iterator<Item = &str> {
    fields.iter().filter_map(|field| match &field.kind {
        Kind::Ref(to) if !field.nullable => Some(to.as_str()),
        _ => None,
    })
}

/// The singular of a resource whose tests make one.
fn singular(product: &Product<'_>, plural: &str) -> Result<Option<String>> {
    let tests = product.tree.find(&format!("tests/requests/{plural}.rs"))?.unwrap_or_default();
    let record = tests.split(&format!("{plural}::")).nth(1);
    let record = record.and_then(|it| it.split(|c: char| !c.is_alphanumeric()).next());
    let singular = record.map(names::snake);
    Ok(singular.filter(|singular| tests.contains(&format!("pub async fn {singular}("))))
}
