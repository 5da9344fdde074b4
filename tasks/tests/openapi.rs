//! The OpenAPI document is the committed one, and one that strict tools accept.

use std::collections::HashSet;

use serde_json::Value;
use trireme::Product as _;
use trireme_tasks::Tasks;

const COMMITTED: &str = include_str!("../openapi.json");
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn document() -> Value {
    trireme::document::<Tasks>()
}

/// Every operation with a name for messages.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let mut operations = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            assert!(METHODS.contains(&method.as_str()), "{method} {path}");
            operations.push((format!("{method} {path}"), operation));
        }
    }
    operations
}

/// Calls `see` with every object of the document.
fn walk<'d>(value: &'d Value, see: &mut impl FnMut(&'d serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            see(object);
            object.values().for_each(|value| walk(value, see));
        }
        Value::Array(items) => items.iter().for_each(|value| walk(value, see)),
        _ => {}
    }
}

#[test]
fn the_committed_document_is_up_to_date() {
    let written = format!("{:#}\n", document());
    let line = written.lines().zip(COMMITTED.lines()).position(|(new, old)| new != old);
    assert!(
        written == COMMITTED,
        "tasks/openapi.json is out of date (from line {}). Write it anew:\n\n    \
         cargo run -- openapi > tasks/openapi.json\n",
        line.map_or_else(|| "its end".to_owned(), |line| (line + 1).to_string())
    );
}

#[test]
fn what_is_served_is_the_document() {
    assert_eq!(std::str::from_utf8(Tasks::DOCUMENT).unwrap(), document().to_string());
}

#[test]
fn every_route_is_described() {
    let document = document();
    let mut described = 0;
    for route in trireme::operations::<Tasks>() {
        let trireme::Endpoint { method, path, .. } = route.endpoint;
        let operation = &document["paths"][path][method.as_str().to_lowercase()];
        // The document itself, and what is there for developers alone.
        let is_aside = path.starts_with("/docs") || ["/openapi.json", "/dev/mail"].contains(path);
        assert_eq!(operation.is_null(), is_aside, "{method} {path}");
        described += usize::from(!is_aside);
    }
    assert_eq!(operations(&document).len(), described, "nothing but routes is described");
}

#[test]
fn every_operation_says_what_tools_need() {
    let document = document();
    let tags: HashSet<_> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str()).collect();
    let mut ids = HashSet::new();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_default();
        assert!(id.starts_with(|first: char| first.is_ascii_lowercase()), "{name}: {id:?}");
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{name}: {id:?}");
        assert!(ids.insert(id), "{name}: {id} is taken");
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
        let [tag] = operation["tags"].as_array().unwrap().as_slice() else {
            panic!("{name}: not one tag");
        };
        assert!(tags.contains(&tag.as_str()), "{name}: {tag} is not declared");

        let security = operation["security"].as_array().unwrap();
        assert!(security.iter().all(|way| way["bearer"].is_array()), "{name}");
        let responses = operation["responses"].as_object().unwrap();
        assert_eq!(security.is_empty(), !responses.contains_key("401") || open(&name), "{name}");
        assert!(responses.keys().any(|status| status.starts_with('2')), "{name}");
        for status in ["400", "403", "500", "504"] {
            assert!(responses.contains_key(status), "{name}: {status}");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let described = parameter["description"].as_str().is_some_and(|text| !text.is_empty());
            assert!(described && parameter["schema"].is_object(), "{name}: {parameter}");
        }
        for placeholder in name.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
            let parameters = operation["parameters"].as_array().unwrap();
            let given = |parameter: &Value| {
                parameter["in"] == "path"
                    && parameter["name"] == placeholder
                    && parameter["required"] == true
            };
            assert!(parameters.iter().any(given), "{name}: {placeholder}");
        }
    }
}

/// Whether an operation answers 401 to what is in its body.
fn open(name: &str) -> bool {
    name.contains("/auth/")
}

#[test]
fn every_reference_resolves_and_every_component_is_used() {
    let document = document();
    let mut used = HashSet::new();
    walk(&document, &mut |object| {
        if let Some(reference) = object.get("$ref") {
            let reference = reference.as_str().unwrap();
            let pointer = reference.strip_prefix('#').expect("references stay in the document");
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
            used.insert(pointer);
        }
    });
    for kind in ["schemas", "responses", "headers"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
            assert!(name.bytes().all(plain), "{name}");
            assert!(
                used.contains(format!("/components/{kind}/{name}").as_str()),
                "{name} is unused"
            );
        }
    }
}

#[test]
fn every_body_has_an_example() {
    let document = document();
    let mut bodies = 0;
    walk(&document, &mut |object| {
        let Some(Value::Object(content)) = object.get("content") else { return };
        for (media, body) in content {
            assert!(media.contains("json") && body["schema"].is_object(), "{media}");
            let one = body.get("example").is_some();
            let many = body["examples"].as_object().is_some_and(|examples| !examples.is_empty());
            assert!(one != many, "{media}: {body}");
            bodies += 1;
        }
    });
    assert!(bodies > 30, "{bodies}");
}

#[test]
fn schemas_speak_of_registered_formats_only() {
    let document = document();
    walk(&document["components"]["schemas"], &mut |object| {
        if let (Some(format), true) = (object.get("format"), object.contains_key("type")) {
            let format = format.as_str().unwrap();
            let known = [
                "date",
                "date-time",
                "double",
                "email",
                "int32",
                "int64",
                "password",
                "uri",
                "uuid",
            ];
            assert!(known.contains(&format), "{format}");
        }
    });
}
