//! The resource in the product's checks and tests.

use crate::{
    field::Filter,
    format,
    product::Product,
    refusal::Result,
    resource::{Resource, told_by},
    spec::{Field, Kind},
};

const LIBRARY: &str = "checks/src/lib.rs";

/// Declares the resource to the suite.
pub fn add(product: &mut Product<'_>, resource: &Resource) -> Result<()> {
    let plural = &resource.names.plural;
    let text = format::rust(product.tree, &declaration(resource))?;
    product.tree.create(format!("checks/src/{plural}.rs"), text)?;
    let (module, line) = (format!("mod {plural};"), format!("{plural} of {plural}::RESOURCE {{}}"));
    product.edit(LIBRARY, |source| {
        let by_hand = format!("add `{module}` to it, and `{line}` to `checks!`.");
        let Some(body) = source.call("checks") else {
            return Err(source.lost("`checks!`", &by_hand));
        };
        source.append_line(&body, &line);
        if source.insert_module(&module) {
            Ok(())
        } else {
            Err(source.lost("`mod …;`", &by_hand))
        }
    })
}

fn declaration(resource: &Resource) -> String {
    let Resource { names, fields, unique } = resource;
    let code = |field: &Field| {
        let set = unique.iter().find(|set| told_by(set, unique, fields) == Some(field));
        set.map(|set| resource.code(set))
    };
    let declared: String =
        fields.iter().map(|field| field.in_checks(code(field).as_deref())).collect();
    let sorts = ["created_at", "updated_at"].into_iter();
    let sorts =
        sorts.chain(fields.iter().filter(|it| it.sort().is_some()).map(|it| it.name.as_str()));
    let sorts = sorts.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let filters = resource.filters();
    let filters: Vec<_> =
        filters.iter().map(|(field, filter): &(&Field, Filter)| filter.in_checks(field)).collect();
    let mut imports = vec!["Field"];
    let mut end = String::new();
    if !filters.is_empty() {
        imports.push("Filter");
        end = format!(".filters(&[{}])", filters.join(", "));
    }
    if fields.iter().any(|field| field.default.is_some()) {
        imports.push("Literal");
    }
    imports.push("Resource");
    let mut others: Vec<_> = fields
        .iter()
        .filter_map(|field| match &field.kind {
            Kind::Ref(to) if *to != names.plural => Some(to.as_str()),
            _ => None,
        })
        .collect();
    others.sort_unstable();
    others.dedup();
    let others = match others[..] {
        [] => String::new(),
        [one] => format!("\nuse crate::{one};\n"),
        _ => format!("\nuse crate::{{{}}};\n", others.join(", ")),
    };
    let own = format!("&{}::RESOURCE", names.plural);
    format!(
        "use trireme_verify::{{{}}};\n{others}\npub static RESOURCE: Resource = \
         Resource::new(\"/api/v1/{}\", &[{}]).sorts(&[{sorts}]){end};\n",
        imports.join(", "),
        names.plural,
        declared.replace(&own, "&RESOURCE"),
    )
}
