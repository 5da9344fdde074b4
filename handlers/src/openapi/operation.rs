use std::collections::BTreeMap;

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use trireme_core::{Code, error::Documented, validate::Input};

use super::{Described, common, counted, fault, schema};
use crate::record::Sorted;

/// What an endpoint says of itself. One is handed from endpoint to endpoint, so that all share
/// their component schemas.
pub struct Operation {
    outputs: SchemaGenerator,
    inputs: SchemaGenerator,
    /// The body's schema and its media types.
    body: Option<(Value, &'static [&'static str])>,
    parameters: Vec<Value>,
    /// Parts of the path that were described.
    path: Vec<(&'static str, Value)>,
    answers: BTreeMap<u16, Value>,
    codes: Vec<Code>,
    /// All that there are.
    known: Vec<Documented>,
    hidden: bool,
    about: Option<&'static str>,
    confirm: Option<&'static str>,
    /// Component schemas of bodies, named after their operations.
    bodies: Map<String, Value>,
    /// Component responses, named after their codes.
    faults: Map<String, Value>,
}

/// The parts of the document that operations share.
pub(super) struct Components {
    pub schemas: Map<String, Value>,
    pub responses: Map<String, Value>,
}

const JSON: &[&str] = &["application/json"];
const MERGE_PATCH: &[&str] = &["application/merge-patch+json", "application/json"];

impl Operation {
    /// `known` are all codes that there are.
    pub(super) fn new(known: Vec<Documented>) -> Self {
        let settings = |mut settings: SchemaSettings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
            settings
        };
        let outputs = settings(SchemaSettings::draft2020_12().for_serialize());
        let mut inputs = settings(SchemaSettings::draft2020_12().for_deserialize());
        inputs.inline_subschemas = true;
        Self {
            outputs: outputs.into_generator(),
            inputs: inputs.into_generator(),
            body: None,
            parameters: Vec::new(),
            path: Vec::new(),
            answers: BTreeMap::new(),
            codes: Vec::new(),
            known,
            hidden: false,
            about: None,
            confirm: None,
            bodies: Map::new(),
            faults: Map::new(),
        }
    }

    /// Not an operation of the API.
    pub fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// What the summary has no room for.
    pub fn about(mut self, text: &'static str) -> Self {
        self.about = Some(text);
        self
    }

    /// What a person is asked before this is done from the page: it can't be undone.
    pub fn confirm(mut self, text: &'static str) -> Self {
        self.confirm = Some(text);
        self
    }

    /// A JSON body.
    pub fn takes<T: JsonSchema + Input>(mut self) -> Self {
        let body = schema::body(T::json_schema(&mut self.inputs).to_value(), T::defaults());
        self.body = Some((body, JSON));
        self.codes.extend([Code::MALFORMED_JSON, Code::UNSUPPORTED_MEDIA_TYPE, Code::INVALID]);
        self
    }

    /// A JSON Merge Patch: every field may be absent, and null removes where it may be null.
    pub fn takes_merge_patch<T: JsonSchema + Input>(self) -> Self {
        let mut op = self.takes::<T>();
        if let Some((body, media)) = &mut op.body {
            schema::merge_patch(body);
            *media = MERGE_PATCH;
        }
        op
    }

    /// An answer with a JSON body.
    pub fn answers<T: JsonSchema>(mut self, status: u16, meaning: &str) -> Self {
        let schema = self.component::<T>();
        let example = schema::example(&schema, self.outputs.definitions());
        let answer = json!({
            "description": meaning,
            "content": { "application/json": { "schema": schema, "example": example } },
        });
        self.answers.insert(status, answer);
        self
    }

    /// Other values in the example of an answer, by JSON Pointer.
    pub fn instead(mut self, status: u16, values: &[(&str, Value)]) -> Self {
        let answer = self.answers.get_mut(&status);
        let example = answer.map(|answer| &mut answer["content"]["application/json"]["example"]);
        if let Some(example) = example {
            for (pointer, value) in values {
                if let Some(place) = example.pointer_mut(pointer) {
                    *place = value.clone();
                }
            }
        }
        self
    }

    pub fn answers_nothing(mut self, status: u16, meaning: &str) -> Self {
        self.answers.insert(status, json!({ "description": meaning }));
        self
    }

    /// Faults besides those that every request can meet.
    pub fn fails(mut self, codes: &[Code]) -> Self {
        self.codes.extend(codes);
        self
    }

    /// The 200 carries an `ETag`, and `If-None-Match` is heeded.
    pub fn conditional(mut self) -> Self {
        self.header_parameter("If-None-Match", "Answers 304 when the record still has this ETag.");
        self.answers.insert(304, json!({ "description": "The record is as it was." }));
        self.answer_headers(&[200, 304], &["ETag"]);
        self
    }

    /// `If-Match` is heeded.
    pub fn precondition(mut self) -> Self {
        self.header_parameter("If-Match", "Makes the change only to the record with this ETag.");
        self.answer_headers(&[200], &["ETag"]);
        self.fails(&[Code::PRECONDITION_FAILED])
    }

    /// The 201 tells where the record is, and `Idempotency-Key` is heeded.
    pub fn creates(mut self) -> Self {
        let key = json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "For 24 h the same key and body give the same answer again: a retry makes no second record.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
            "example": "7d9f5c1e-add-the-task",
        });
        self.parameters.push(key);
        self.answer_headers(&[201], &["ETag", "Location", "Idempotency-Replayed"]);
        self.fails(&[Code::IDEMPOTENCY_KEY_REUSED])
    }

    /// The `{name}` of the path. An `{id}` is a UUID unless this says otherwise.
    pub fn path<T: JsonSchema>(mut self, name: &'static str, meaning: &str) -> Self {
        let schema = T::json_schema(&mut self.inputs).to_value();
        self.path.push((name, path_parameter(name, meaning, schema)));
        self
    }

    /// Every field of `T` is a parameter of the query.
    pub fn filter<T: JsonSchema + Input>(mut self) -> Self {
        let filter = schema::body(T::json_schema(&mut self.inputs).to_value(), T::defaults());
        for (name, field) in filter["properties"].as_object().into_iter().flatten() {
            let mut field = field.clone();
            schema::drop_null(&mut field);
            self.query_parameter(name, field);
        }
        self
    }

    /// `limit`, `cursor` and `sort` of a list.
    pub fn page<'r, T: Sorted<'r>>(mut self) -> Self {
        let sorts: Vec<_> = T::SORTS
            .iter()
            .flat_map(|sort| [format!("-{}", sort.name), sort.name.to_owned()])
            .collect();
        self.query_parameter(
            "limit",
            json!({
                "type": "integer", "minimum": 1, "maximum": 100, "default": 20,
                "description": "The most records of a page.",
            }),
        );
        self.query_parameter(
            "cursor",
            json!({
                "type": "string", "minLength": 1, "pattern": "^[A-Za-z0-9_-]+$",
                "description": "The `next_cursor` of the page before, with the same filter and sort.",
            }),
        );
        self.query_parameter(
            "sort",
            json!({
                "type": "string", "enum": sorts, "default": sorts[0],
                "description": "What the list is sorted by; `-` for descending.",
            }),
        );
        self.fails(&[Code::INVALID_CURSOR])
    }

    /// A type's schema as a component, and the reference to it.
    pub fn component<T: JsonSchema>(&mut self) -> Value {
        self.outputs.subschema_for::<T>().to_value()
    }

    /// The operation as the document has it; what was said is forgotten, the components are kept.
    /// Panics where it says something else than the table of routes.
    pub(super) fn finish(&mut self, described: &Described) -> Option<Value> {
        let Described { endpoint, name, summary, .. } = described;
        let mut codes = std::mem::take(&mut self.codes);
        let mut answers = std::mem::take(&mut self.answers);
        let mut path = std::mem::take(&mut self.path);
        let parameters = std::mem::take(&mut self.parameters);
        let about = self.about.take();
        let confirm = self.confirm.take();
        let body = self.body.take();
        if std::mem::take(&mut self.hidden) {
            return None;
        }
        let has_query = parameters.iter().any(|parameter| parameter["in"] == "query");
        assert_eq!(has_query, endpoint.takes_query, "{name}: parameters of the query");
        codes.extend(common(endpoint));
        let placeholders =
            endpoint.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
        let mut all: Vec<Value> = Vec::new();
        for placeholder in placeholders {
            let known = path.iter().position(|(name, _)| *name == placeholder);
            all.push(match known {
                Some(known) => path.swap_remove(known).1,
                None if placeholder == "id" => {
                    let uuid = json!({ "type": "string", "format": "uuid" });
                    path_parameter("id", "The record's `id`.", uuid)
                }
                None => panic!("{name} does not describe {{{placeholder}}} of its path"),
            });
        }
        assert!(path.is_empty(), "{name} describes what is not in its path: {path:?}");
        if !all.is_empty() {
            codes.push(Code::NOT_FOUND);
        }
        all.extend(parameters);
        let parameters = all;
        for answer in answers.values_mut() {
            let limited: &[_] =
                if endpoint.limit.is_some() { &["RateLimit", "RateLimit-Policy"] } else { &[] };
            for name in ["X-Request-Id"].iter().chain(limited) {
                answer["headers"][name] = header(name);
            }
        }
        self.add_faults(&codes, &mut answers);
        let responses: Map<_, _> =
            answers.into_iter().map(|(status, answer)| (status.to_string(), answer)).collect();
        let mut operation = json!({
            "operationId": operation_id(name),
            "summary": summary,
            "tags": [tag(endpoint.path)],
            "security": if endpoint.access.needs_user() { json!([{ "bearer": [] }]) } else { json!([]) },
            "responses": responses,
        });
        let about: Vec<_> = about.into_iter().chain(counted(endpoint)).collect();
        if !about.is_empty() {
            operation["description"] = about.join("\n\n").into();
        }
        if let Some(confirm) = confirm {
            operation["x-confirm"] = confirm.into();
        }
        if !parameters.is_empty() {
            operation["parameters"] = parameters.into();
        }
        if let Some((body, media)) = body {
            let name = format!("{name}Body");
            let content = json!({
                "schema": { "$ref": format!("#/components/schemas/{name}") },
                "example": schema::example(&body, &Map::new()),
            });
            let content: Map<_, _> =
                media.iter().map(|media| ((*media).to_owned(), content.clone())).collect();
            operation["requestBody"] = json!({ "required": true, "content": content });
            self.bodies.insert(name, body);
        }
        Some(operation)
    }

    /// One answer for all problems of a status; beside another answer of that status, one more
    /// media type.
    fn add_faults(&mut self, codes: &[Code], answers: &mut BTreeMap<u16, Value>) {
        let mut by_status: BTreeMap<u16, Vec<Documented>> = BTreeMap::new();
        for known in self.known.iter().filter(|known| codes.contains(&known.code)) {
            by_status.entry(known.code.status()).or_default().push(*known);
        }
        for (status, codes) in by_status {
            let fault = fault(status, &codes);
            if let Some(answer) = answers.get_mut(&status) {
                let problem = &fault["content"]["application/problem+json"];
                answer["content"]["application/problem+json"] = problem.clone();
                answer["headers"] = fault["headers"].clone();
                continue;
            }
            let name = codes.iter().map(|known| known.code.as_str()).collect::<Vec<_>>().join(".");
            let place = json!({ "$ref": format!("#/components/responses/{name}") });
            answers.insert(status, place);
            self.faults.insert(name, fault);
        }
    }

    pub(super) fn into_components(mut self) -> Components {
        let mut schemas = self.outputs.take_definitions(true);
        schemas.extend(self.bodies);
        Components { schemas, responses: self.faults }
    }

    fn header_parameter(&mut self, name: &str, meaning: &str) {
        self.parameters.push(json!({
            "name": name, "in": "header", "required": false, "description": meaning,
            "schema": { "type": "string", "examples": ["\"3\""] },
        }));
    }

    fn query_parameter(&mut self, name: &str, mut schema: Value) {
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let mut parameter =
            json!({ "name": name, "in": "query", "required": false, "schema": schema });
        if let Some(description) = description {
            parameter["description"] = description;
        }
        self.parameters.push(parameter);
    }

    fn answer_headers(&mut self, statuses: &[u16], names: &[&str]) {
        for status in statuses {
            let Some(answer) = self.answers.get_mut(status) else { continue };
            for name in names {
                answer["headers"][name] = header(name);
            }
        }
    }
}

fn path_parameter(name: &str, meaning: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "path", "required": true, "description": meaning, "schema": schema })
}

/// A header that the document describes among its components.
pub fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

/// `GetTask` is `getTask` in clients.
fn operation_id(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_lowercase() + rest
}

/// `/api/v1/tasks/{id}` is of `tasks`; what is not under the API is of the service.
pub(super) fn tag(path: &str) -> &str {
    match path.strip_prefix("/api/v1/").and_then(|path| path.split('/').next()) {
        Some("health") | None => "service",
        Some(resource) => resource,
    }
}
