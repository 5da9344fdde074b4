//! Small changes that make derived schemas say exactly what is accepted.

use serde_json::{Map, Value, json};

/// A password is any text that bcrypt reads to its end.
const PASSWORD: &str = r"^[^\u0000]*$";
/// Text has no control characters but tab and line breaks; names and titles show something.
const TEXT: &str = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$";
const NAME: &str = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$";

/// The schema of a body: nothing unknown is taken, of text what is read, and what has a default
/// may be absent.
pub fn body(mut schema: Value, defaults: Vec<(&'static str, Value)>) -> Value {
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$schema");
        schema.remove("title");
        schema.insert("additionalProperties".to_owned(), false.into());
    }
    for (name, field) in schema["properties"].as_object_mut().into_iter().flatten() {
        let is_text = field["type"] == "string" || field["type"] == json!(["string", "null"]);
        let is_free = ["enum", "format", "pattern"].iter().all(|key| field.get(key).is_none())
            || field["format"] == "password";
        if is_text && is_free {
            field["pattern"] = json!(match name.as_str() {
                _ if field["format"] == "password" => PASSWORD,
                "name" | "title" => NAME,
                _ => TEXT,
            });
        }
    }
    for (name, default) in defaults {
        if let Some(required) = schema["required"].as_array_mut() {
            required.retain(|required| required != name);
        }
        // As a `default`, generators of types would make the field a required one.
        let default = default.as_str().map_or_else(|| default.to_string(), ToOwned::to_owned);
        schema["properties"][name]["description"] = format!("`{default}` unless given.").into();
    }
    schema
}

/// Nothing is required of a merge patch.
pub fn merge_patch(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("required");
    }
}

/// `["string", "null"]` is `"string"`; `anyOf: [X, null]` is X.
pub fn drop_null(schema: &mut Value) {
    if let Some(types) = schema["type"].as_array_mut() {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema["type"] = only;
        }
    }
    if schema["type"].is_null()
        && let Some(schema) = schema.as_object_mut()
    {
        schema.remove("type");
    }
    let variants = schema.get("anyOf").and_then(Value::as_array).cloned().unwrap_or_default();
    if let Some(other) = variants.iter().find(|variant| variant["type"] != "null")
        && let (Some(schema), Some(other)) = (schema.as_object_mut(), other.as_object())
    {
        schema.remove("anyOf");
        schema.extend(other.clone());
    }
    if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        values.retain(|value| !value.is_null());
    }
}

/// An example that fits a schema, from the examples that its fields have.
pub fn example(schema: &Value, components: &Map<String, Value>) -> Value {
    if let Some(example) = schema.pointer("/examples/0").or_else(|| schema.pointer("/enum/0")) {
        return example.clone();
    }
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return components.get(name).map_or(Value::Null, |schema| example(schema, components));
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema.get(key).and_then(|variants| variants.get(0)) {
            return example(first, components);
        }
    }
    // What may be null and has no example of its own is null.
    let kind = schema["type"].as_str();
    match (kind, schema["format"].as_str()) {
        (Some("object"), _) => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            fields.map(|(name, field)| (name.clone(), example(field, components))).collect()
        }
        (Some("array"), _) => json!([example(&schema["items"], components)]),
        (Some("integer" | "number"), _) => json!(1),
        (Some("boolean"), _) => json!(true),
        (Some("string"), Some("uuid")) => json!("01a1f8d3-ea00-7a5e-8c1f-3d2b9e4f6a70"),
        (Some("string"), _) => json!("text"),
        _ => Value::Null,
    }
}
