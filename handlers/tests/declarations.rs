//! What is declared once: records, whose columns are held against the databases, and inputs.

use std::borrow::Cow;

use serde_json::{Value, json};
use trireme::{
    Date, Json, Timestamp, Uuid, input, record,
    record::{Record, Sorted, disagreements},
    sql::{DecodeError, Row},
    validate::{Fields, Patch, visible},
};

use trireme_tasks::{Tasks, contexts, tasks};
use trireme_world::{create, on_every_database};

#[test]
fn records_are_what_the_databases_hold() {
    on_every_database::<Tasks>(async |world| {
        let user = world.register("ada").await;
        let context = create(world, &user, "/api/v1/contexts", json!({ "name": "Boat" })).await;
        let task = json!({ "title": "Oil the oarlocks", "context_id": context.text("/id") });
        create(world, &user, "/api/v1/tasks", task).await;
        let database = world.database();
        let none = [""; 0];
        assert_eq!(disagreements::<contexts::Context>(database, "contexts").await.unwrap(), none);
        assert_eq!(disagreements::<tasks::Task>(database, "tasks").await.unwrap(), none);
    });
}

record! {
    struct Wrong<'a> {
        id: Uuid,
        title: i64,
        description: &'a str,
        context_id: Option<Uuid>,
        word_count: &'a str = "length(title)",
        nothing: &'a str = "NULLIF(title, title)",
    }
    etag { title }
}

#[test]
fn what_a_record_gets_wrong_is_found() {
    on_every_database::<Tasks>(async |world| {
        let user = world.register("ada").await;
        create(world, &user, "/api/v1/tasks", json!({ "title": "Oil the oarlocks" })).await;
        let found = disagreements::<Wrong>(world.database(), "tasks").await.unwrap();
        let found: Vec<_> = found.iter().map(|fault| fault.split(',').next().unwrap()).collect();
        let mut expected = vec![
            "title is read as int",
            "description can be NULL",
            "word_count is read as text",
            "nothing can be NULL",
        ];
        if found.contains(&"nothing is read as text") {
            // Of a NULL, SQLite knows no type.
            expected.insert(3, "nothing is read as text");
        }
        assert_eq!(found, expected);
    });
}

record! {
    /// A record of every kind of declaration.
    #[derive(Debug, PartialEq)]
    struct Note<'a> {
        id: Uuid,
        r#type: &'a str,
        due_at: Option<Timestamp>,
        pages: i64 = "(SELECT count(*) FROM pages)",
        version: i64 => version + i64::from(moved),
    }
    reads { moved: bool = "moved_at IS NOT NULL" }
    etag { version = "(version + 1)", pages }
    sorts {
        r#type,
        due_at = "COALESCE(due_at, 'infinity')" => due_at.unwrap_or(Timestamp::INFINITY),
        version => Timestamp::from_millis(version),
    }
}

/// A row whose columns are their numbers.
struct Numbers;
impl Row for Numbers {
    fn bool(&self, column: usize) -> Result<Option<bool>, DecodeError> {
        Ok(Some(column > 0))
    }
    fn int(&self, column: usize) -> Result<Option<i64>, DecodeError> {
        Ok(i64::try_from(column).ok())
    }
    fn text(&self, _: usize) -> Result<Option<&str>, DecodeError> {
        Ok(Some("text"))
    }
    fn uuid(&self, _: usize) -> Result<Option<Uuid>, DecodeError> {
        Ok(Some(Uuid::nil()))
    }
    fn time(&self, _: usize) -> Result<Option<Timestamp>, DecodeError> {
        Ok(None)
    }
    fn float(&self, _: usize) -> Result<Option<f64>, DecodeError> {
        Ok(None)
    }
    fn bytes(&self, _: usize) -> Result<Option<Cow<'_, [u8]>>, DecodeError> {
        Ok(None)
    }
    fn date(&self, _: usize) -> Result<Option<Date>, DecodeError> {
        Ok(None)
    }
    fn json(&self, _: usize) -> Result<Option<Json>, DecodeError> {
        Ok(None)
    }
}

#[test]
fn a_record_reads_what_it_selects() {
    assert_eq!(
        Note::COLUMNS,
        "id, type, due_at, (SELECT count(*) FROM pages), version, moved_at IS NOT NULL"
    );
    assert_eq!(
        Note::TAG,
        "CAST((version + 1) AS text) || '-' || CAST((SELECT count(*) FROM pages) AS text)"
    );
    let note = Note::read(&Numbers).unwrap();
    let expected = Note { id: Uuid::nil(), r#type: "text", due_at: None, pages: 3, version: 5 };
    assert_eq!(note, expected);
    assert_eq!(note.tag(), "5-3");
    assert_eq!(serde_json::to_value(&note).unwrap()["type"], "text");
}

/// Each sort of a list has its key, and no two have the same.
#[test]
fn every_sort_has_its_key() {
    let note = Note::read(&Numbers).unwrap();
    let sorts: Vec<_> = Note::SORTS.iter().map(|sort| (sort.name, sort.column)).collect();
    assert_eq!(
        sorts,
        [("type", "type"), ("due_at", "COALESCE(due_at, 'infinity')"), ("version", "version"),]
    );
    let keys: Vec<_> = Note::SORTS.iter().map(|sort| note.key(sort.name).0).collect();
    let infinity = trireme::page::Key::from(Timestamp::INFINITY);
    assert_eq!(keys, ["text".into(), infinity, Timestamp::from_millis(5).into()]);
}

trireme::text_enum! {
    /// How long it is kept.
    Kept { Briefly = "briefly", ForEver = "for_ever" }
}

input! {
    #[derive(Debug)]
    struct New {
        #[validate(length(min = 1, max = 5), custom(function = visible))]
        title: String,
        #[validate(length(max = 3), custom(function = visible))]
        r#type: Option<String>,
        kept: Kept = Kept::ForEver,
        due_at: Timestamp = Timestamp::MIN,
    }
}

input! {
    #[derive(Debug)]
    struct Change {
        #[validate(length(min = 1, max = 5), custom(function = visible))]
        title: Patch<String>,
        #[validate(length(max = 3), custom(function = visible))]
        note: Patch<Option<String>>,
        kept: Patch<Kept>,
    }
}

fn faults<T: trireme::validate::Input + std::fmt::Debug>(body: Value) -> Vec<(String, String)> {
    let error = Fields::of_body(body).unwrap().input::<T>().unwrap_err();
    let faults = error.faults.into_iter();
    faults.map(|fault| (fault.pointer, fault.code.into_owned())).collect()
}

fn pairs(faults: &[(&str, &str)]) -> Vec<(String, String)> {
    faults.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect()
}

#[test]
fn all_that_is_wrong_with_an_input_is_said_at_once() {
    let body = json!({ "type": "long", "kept": null, "due_at": 5, "titel": "" });
    let expected = [
        ("/title", "required"),
        ("/kept", "null"),
        ("/due_at", "type"),
        ("/type", "length"),
        ("/titel", "unknown_field"),
    ];
    assert_eq!(faults::<New>(body), pairs(&expected));
    let body = json!({ "title": null, "note": " ", "kept": "never" });
    let expected = [("/title", "null"), ("/kept", "enum"), ("/note", "invalid_text")];
    assert_eq!(faults::<Change>(body), pairs(&expected));
    let body = json!({ "title": " ", "note": "long" });
    assert_eq!(faults::<Change>(body), pairs(&[("/note", "length"), ("/title", "invalid_text")]));
}

#[test]
fn what_is_absent_has_its_meaning() {
    let read = |body| Fields::of_body(body).unwrap().input::<New>().unwrap();
    let new = read(json!({ "title": "a", "type": null }));
    assert_eq!((new.r#type, new.kept, new.due_at), (None, Kept::ForEver, Timestamp::MIN));
    assert_eq!(read(json!({ "title": "a", "kept": "briefly" })).kept, Kept::Briefly);

    let read = |body| Fields::of_body(body).unwrap().input::<Change>().unwrap();
    let change = read(json!({}));
    assert_eq!((change.title, change.note, change.kept), (Patch::Keep, Patch::Keep, Patch::Keep));
    let change = read(json!({ "title": "b", "note": null, "kept": "for_ever" }));
    assert_eq!(change.title.given().map(String::as_str), Some("b"));
    assert!(change.note.is_given() && change.note.value().is_none());
    assert_eq!(change.kept, Patch::Set(Kept::ForEver));
    let change = read(json!({ "note": "c" }));
    assert_eq!(change.note.value().map(String::as_str), Some("c"));
}
