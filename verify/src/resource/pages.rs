//! Pages of a list: no record skipped, none repeated, and no cursor but one's own. They are
//! Carol's, who has no other records.

use serde_json::{Value, json};

use super::Resource;
use super::filters::is_less;
use super::kind::Keeps;
use super::values::in_query;
use crate::client::together;
use crate::context::{Account, Context};
use crate::outcome::{Verdict, expect, failed};

/// As many as there are words to sort.
const STAGED: usize = 8;

/// Carol, with records that have ties, gaps and capitals in what can be sorted by.
pub async fn staged<'a>(cx: &'a Context, resource: &'static Resource) -> Verdict<&'a Account> {
    let carol = cx.carol().await?;
    let there = resource.ids(cx, carol).await?.len();
    for n in there..STAGED {
        let mut body = resource.full(cx, carol, n).await?;
        for field in resource.fields.iter().filter(|field| n % 3 == 1 && field.is_nullable()) {
            body[field.name] = Value::Null;
        }
        cx.create(carol, resource.path, body).await?;
    }
    Ok(carol)
}

/// The ids of all pages in order; `between` runs after the first.
async fn walk(
    cx: &Context,
    user: &Account,
    list: &str,
    limit: usize,
    between: impl AsyncFnOnce() -> Verdict,
) -> Verdict<Vec<String>> {
    let mut between = Some(between);
    let mut ids = Vec::new();
    let mut path = format!("{list}&limit={limit}");
    for _ in 0..100 {
        let page = cx.send(user.get(&path).unrecorded()).await?;
        let items = page.column("/id")?;
        page.must(items.len() <= limit, format!("at most {limit} items"))?;
        ids.extend(items);
        let Some(cursor) = page.at("/next_cursor")?.as_str() else { return Ok(ids) };
        path = format!("{list}&limit={limit}&cursor={cursor}");
        if let Some(between) = between.take() {
            between().await?;
        }
    }
    failed(format!("GET {list}"), "a last page", "a cursor after a hundred pages")
}

fn same_order(list: &str, expected: &[String], found: &[String]) -> Verdict {
    let held = expected == found;
    expect(held, format!("GET {list}, page by page"), format!("{expected:?}"), format!("{found:?}"))
}

pub async fn page_limits(cx: &Context, resource: &'static Resource) -> Verdict {
    let carol = staged(cx, resource).await?;
    let whole = cx.send(carol.get(resource.list("limit=100"))).await?;
    whole.equals("/next_cursor", json!(null))?;
    let ids = whole.column("/id")?;
    whole.must(ids.len() >= STAGED, format!("{STAGED} items at least"))?;
    let one = cx.send(carol.get(resource.list("limit=1"))).await?;
    one.must(one.column("/id")? == ids[..1], "the first of them")?;
    one.text("/next_cursor")?;
    // The default is the newest first, and a full last page has nothing after it.
    let exact =
        cx.send(carol.get(resource.list(&format!("limit={}&sort=-created_at", ids.len())))).await?;
    exact.equals("/next_cursor", json!(null))?;
    exact.must(exact.column("/id")? == ids, "the order without `sort`")?;
    let usual = cx.send(carol.get(resource.path)).await?;
    usual.must(usual.column("/id")? == ids[..ids.len().min(20)], "the first twenty").map(drop)
}

/// Walked in twos, each order has every record once, is what one page shows, and its
/// opposite is its mirror.
pub async fn every_sort(cx: &Context, resource: &'static Resource) -> Verdict {
    let carol = staged(cx, resource).await?;
    let count = resource.ids(cx, carol).await?.len();
    for sort in resource.sorts {
        let field = resource.fields.iter().find(|field| field.name == *sort);
        let pointer = format!("/{sort}");
        let mut orders = Vec::new();
        for way in ["", "-"] {
            let list = resource.list(&format!("sort={way}{sort}"));
            let page = cx.send(carol.get(format!("{list}&limit=100"))).await?;
            let whole = page.column("/id")?;
            page.must(whole.len() == count, format!("{count} items"))?;
            same_order(&list, &whole, &walk(cx, carol, &list, 2, async || Ok(())).await?)?;
            let items = page.at("/items")?.as_array().map_or(&[][..], Vec::as_slice);
            let is_set =
                |item: &&Value| item.pointer(&pointer).is_some_and(|value| !value.is_null());
            let set: Vec<&Value> = items.iter().filter(is_set).collect();
            if field.is_none_or(super::Field::is_ordered) {
                let values: Vec<&Value> = set.iter().map(|item| &item[*sort]).collect();
                let held = values.windows(2).all(|pair| match way {
                    "" => !is_less(pair[1], pair[0]),
                    _ => !is_less(pair[0], pair[1]),
                });
                page.must(held, format!("an order by {sort}, not {}", json!(values)))?;
            }
            // Where nulls go is the server's choice.
            orders.push(set.iter().map(|item| item["id"].clone()).collect::<Vec<_>>());
        }
        orders[1].reverse();
        let list = resource.list(&format!("sort=-{sort}"));
        expect(
            orders[0] == orders[1],
            format!("GET {list}"),
            "the mirrored order",
            format!("{orders:?}"),
        )?;
    }
    Ok(())
}

/// A cursor belongs to its user, filter and sort; what a cursor is not is a bad request.
pub async fn cursors_are_bound(cx: &Context, resource: &'static Resource) -> Verdict {
    let carol = staged(cx, resource).await?;
    let sort = resource.sorts.last().copied().unwrap_or("created_at");
    let list = resource.list(&format!("sort={sort}"));
    let first = cx.send(carol.get(format!("{list}&limit=2"))).await?;
    let cursor = first.text("/next_cursor")?;
    let middle = cursor.len() / 2;
    let mut forged = cursor.to_owned();
    forged.replace_range(middle..=middle, if &cursor[middle..=middle] == "A" { "B" } else { "A" });
    let mut refused = vec![
        format!("{list}&limit=2&cursor={forged}"),
        format!("{list}&limit=2&cursor={}", &cursor[..middle]),
        format!("{list}&limit=2&cursor={cursor}AAAA"),
        format!("{list}&limit=2&cursor=forged"),
        resource.list(&format!("sort=-{sort}&limit=2&cursor={cursor}")),
    ];
    if let Some(other) = resource.sorts.first().filter(|other| **other != sort) {
        refused.push(resource.list(&format!("sort={other}&limit=2&cursor={cursor}")));
    }
    let sample = cx.send(carol.get(&list)).await?;
    let items = sample.at("/items")?.as_array().map_or(&[][..], Vec::as_slice);
    for filter in resource.filters.iter().filter(|filter| matches!(filter.keeps, Keeps::Equal)) {
        let Some(field) = filter.field(resource.fields) else { continue };
        let Some(value) = items.iter().map(|item| &item[field.name]).find(|it| !it.is_null())
        else {
            continue;
        };
        let filtered = format!("{list}&{}={}", filter.name, in_query(value));
        refused.push(format!("{filtered}&limit=2&cursor={cursor}"));
        let page = cx.send(carol.get(format!("{filtered}&limit=1"))).await?;
        if let Some(other) = page.is(200)?.at("/next_cursor")?.as_str() {
            refused.push(format!("{list}&limit=2&cursor={other}"));
        }
    }
    for path in refused {
        cx.send(carol.get(path)).await?.problem(400)?;
    }
    let own = format!("{list}&limit=2&cursor={cursor}");
    cx.send(cx.bob().await?.get(&own)).await?.problem(400)?;
    // How many there are to a page may change on the way.
    let next = cx.send(carol.get(format!("{list}&limit=3&cursor={cursor}"))).await?;
    next.must(next.column("/id")?.len() == 3, "the next three").map(drop)
}

/// Records of the same millisecond have an order too.
pub async fn records_of_one_moment(cx: &Context, resource: &'static Resource) -> Verdict {
    let carol = staged(cx, resource).await?;
    let mut posts = Vec::new();
    for _ in 0..8 {
        let body = resource.minimal(cx, carol, 0).await?;
        posts.push(cx.send(carol.post(resource.path).json(&body).unrecorded()));
    }
    let mut made = Vec::new();
    for answer in together(posts).await {
        made.push(resource.at(answer?.is(201)?.value()?)?);
    }
    for (n, sort) in resource.sorts.iter().enumerate() {
        let list = resource.list(&format!("sort={}{sort}", if n % 2 == 0 { "" } else { "-" }));
        let whole =
            cx.send(carol.get(format!("{list}&limit=100")).unrecorded()).await?.column("/id")?;
        same_order(&list, &whole, &walk(cx, carol, &list, 3, async || Ok(())).await?)?;
    }
    // Their order is chance; the lists of later checks must not show it.
    for path in made {
        cx.send(carol.delete(path).unrecorded()).await?.is(204)?;
    }
    Ok(())
}

pub async fn stable_under_inserts(cx: &Context, resource: &'static Resource) -> Verdict {
    let carol = staged(cx, resource).await?;
    let other_ways = resource.sorts.iter().enumerate().map(|(n, sort)| match n % 2 {
        0 => (*sort).to_owned(),
        _ => format!("-{sort}"),
    });
    for sort in other_ways.chain(["-created_at".to_owned()]) {
        let list = resource.list(&format!("sort={sort}"));
        let before = cx.send(carol.get(format!("{list}&limit=100"))).await?.column("/id")?;
        let insert = async || {
            for n in [1, 4, 6] {
                cx.create(carol, resource.path, resource.full(cx, carol, n).await?).await?;
            }
            Ok(())
        };
        let mut walked = walk(cx, carol, &list, 3, insert).await?;
        walked.retain(|id| before.contains(id));
        same_order(&list, &before, &walked)?;
    }
    Ok(())
}
