//! The filters of a list: they keep what they say, and all of it.

use serde_json::Value;

use super::Resource;
use super::kind::{Field, Filter, Keeps, Kind};
use super::values::in_query;
use crate::context::Context;
use crate::outcome::{Verdict, not_applicable};
use crate::shape::is_same;

/// A question, and which records it keeps.
struct Asked {
    query: String,
    keeps: Box<dyn Fn(&Value) -> bool>,
}

impl Filter {
    fn ask(self, field: &'static Field, value: Value) -> Asked {
        let query = format!("{}={}", self.name, in_query(&value));
        let name = field.name;
        let keeps: Box<dyn Fn(&Value) -> bool> = match self.keeps {
            Keeps::Equal => Box::new(move |record| is_same(&record[name], &value)),
            Keeps::Before(_) => Box::new(move |record| is_less(&record[name], &value)),
            Keeps::After(_) => Box::new(move |record| is_less(&value, &record[name])),
            Keeps::Found => Box::new(move |record| {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_lowercase();
                text(&record[name]).contains(&text(&value))
            }),
        };
        Asked { query, keeps }
    }
}

/// Null is neither less nor more than anything.
pub fn is_less(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one < other,
        (Value::Number(one), Value::Number(other)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => one < other,
            _ => one.as_f64() < other.as_f64(),
        },
        _ => false,
    }
}

/// Every filter by every value that the records have, and all of them together.
pub async fn each_filter(cx: &Context, resource: &'static Resource) -> Verdict {
    if resource.filters.is_empty() {
        return not_applicable("the list has no filters");
    }
    let alice = cx.alice().await?;
    let mut records =
        vec![cx.create(alice, resource.path, resource.minimal(cx, alice, 0).await?).await?];
    for n in 0..4 {
        records.push(cx.create(alice, resource.path, resource.full(cx, alice, n).await?).await?);
    }
    let mut all = Vec::new();
    for filter in resource.filters {
        let Some(field) = filter.field(resource.fields) else { continue };
        let mut values: Vec<Value> = match filter.keeps {
            Keeps::Before(_) | Keeps::After(_) => field.between().into_iter().collect(),
            _ => records
                .iter()
                .map(|record| record[field.name].clone())
                .filter(|it| !it.is_null())
                .collect(),
        };
        let mut seen = Vec::new();
        values.retain(|value| {
            !seen.contains(value) && {
                seen.push(value.clone());
                true
            }
        });
        for value in &values {
            compare(cx, resource, &records, &[filter.ask(field, value.clone())]).await?;
        }
        all.extend(values.pop().map(|value| filter.ask(field, value)));
    }
    compare(cx, resource, &records, &all).await
}

/// The newest hundred are among them whatever else the user has.
async fn compare(
    cx: &Context,
    resource: &'static Resource,
    records: &[Value],
    asked: &[Asked],
) -> Verdict {
    let queries: Vec<&str> = asked.iter().map(|it| it.query.as_str()).collect();
    let path = resource.list(&format!("{}&limit=100", queries.join("&")));
    let found = cx.send(cx.alice().await?.get(path)).await?;
    let ids = found.column("/id")?;
    let is_kept = |record: &Value| asked.iter().all(|it| (it.keeps)(record));
    for record in records {
        let id = record["id"].as_str().unwrap_or_default();
        let (listed, kept) = (ids.iter().any(|it| it == id), is_kept(record));
        let place = if kept { "in the list" } else { "left out" };
        found.must(listed == kept, format!("the record {id} {place}"))?;
    }
    // A search may find more than the first text field tells.
    let strays = found.at("/items")?.as_array().into_iter().flatten().find(|item| !is_kept(item));
    let searches = resource.filters.iter().any(|it| {
        matches!(it.keeps, Keeps::Found)
            && queries.iter().any(|query| query.starts_with(&format!("{}=", it.name)))
    });
    match strays {
        Some(stray) if !searches => {
            found.must(false, format!("a list without the record {}", stray["id"])).map(drop)
        }
        _ => Ok(()),
    }
}

/// What is no value of a filter, no sort and no limit.
pub async fn bounds(cx: &Context, resource: &'static Resource) -> Verdict {
    let alice = cx.alice().await?;
    let wrong: Vec<(&str, Vec<Value>)> = resource
        .filters
        .iter()
        .filter(|filter| !matches!(filter.keeps, Keeps::Found))
        .filter_map(|filter| {
            let field = filter.field(resource.fields)?;
            let values = match field.kind {
                Kind::Text { .. } | Kind::Form { .. } | Kind::Bytes { .. } | Kind::Json => vec![],
                Kind::Flag => vec!["maybe".into()],
                Kind::Integer { .. } | Kind::Number { .. } => vec!["ten".into()],
                _ => field.wrong_values(),
            };
            Some((filter.name, values))
        })
        .collect();
    // The first of every filter in one request, the second of every filter in the next, and so on.
    for n in 0..wrong.iter().map(|(_, values)| values.len()).max().unwrap_or_default() {
        let given = wrong.iter().filter_map(|(name, values)| Some((*name, values.get(n)?)));
        let query: Vec<String> =
            given.clone().map(|(name, value)| format!("{name}={}", in_query(value))).collect();
        let answer = cx.send(alice.get(resource.list(&query.join("&")))).await?;
        for (name, value) in given {
            let expected = format!("an error at /{name}, which is {value}");
            answer.must(answer.status == 422 && answer.names(&format!("/{name}")), expected)?;
        }
    }
    for query in ["sort=colour", "sort=--created_at", "sort=", "limit=0", "limit=101", "limit=-1"] {
        cx.send(alice.get(resource.list(query))).await?.problem(422)?;
    }
    for query in ["limit=ten", "limit=1e1", "limit=99999999999999999999"] {
        cx.send(alice.get(resource.list(query))).await?.is_one_of(&[400, 422])?;
    }
    Ok(())
}
