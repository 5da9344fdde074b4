//! Pages of a list: no record skipped, none repeated, and no cursor but one's own.

use serde_json::json;

use crate::client::together;
use crate::context::{Account, CONTEXTS, Context, TASKS};
use crate::outcome::{Verdict, expect, failed};

/// A context of tasks with ties, gaps and capitals in everything that can be sorted by.
async fn stage(context: &Context, user: &Account, name: &str) -> Verdict<String> {
    let place = context.create_context(user, name).await?;
    let due = |day: u8| json!(format!("2031-01-0{day}T00:00:00.000Z"));
    for (title, due_at) in [
        ("apple", due(2)),
        ("Apple", json!(null)),
        ("äpple", due(1)),
        ("banana", due(2)),
        ("banana", json!(null)),
        ("Zebra", due(2)),
        ("zoo", json!(null)),
    ] {
        let task = json!({"title": title, "due_at": due_at, "context_id": place});
        context.create(user, TASKS, task).await?;
    }
    Ok(format!("{TASKS}?context_id={place}"))
}

/// The ids of all pages in order; `between` runs after the first.
async fn walk(
    context: &Context,
    user: &Account,
    list: &str,
    limit: usize,
    between: impl AsyncFnOnce() -> Verdict,
) -> Verdict<Vec<String>> {
    let mut between = Some(between);
    let mut ids = Vec::new();
    let mut path = format!("{list}&limit={limit}");
    for _ in 0..20 {
        let page = context.send(user.get(&path)).await?;
        let items = page.column("/id")?;
        page.must(items.len() <= limit, format!("at most {limit} items"))?;
        ids.extend(items);
        let Some(cursor) = page.at("/next_cursor")?.as_str() else { return Ok(ids) };
        path = format!("{list}&limit={limit}&cursor={cursor}");
        if let Some(between) = between.take() {
            between().await?;
        }
    }
    failed(format!("GET {list}"), "a last page", "a cursor after twenty pages")
}

pub async fn limits(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let list = stage(context, alice, "limits").await?;
    let whole = context.send(alice.get(format!("{list}&limit=100"))).await?;
    whole.equals("/next_cursor", json!(null))?;
    let ids = whole.column("/id")?;
    whole.must(ids.len() == 7, "seven items")?;
    let one = context.send(alice.get(format!("{list}&limit=1"))).await?;
    one.must(one.column("/id")? == ids[..1], "the first of them")?;
    one.text("/next_cursor")?;
    // The default is the newest first, and a full last page has nothing after it.
    let exact = context.send(alice.get(format!("{list}&limit=7&sort=-created_at"))).await?;
    exact.equals("/next_cursor", json!(null))?;
    exact.must(exact.column("/id")? == ids, "the order without `sort`").map(drop)
}

/// Walked in twos, each order has every record once, is what one page shows, and its
/// opposite is its mirror.
pub async fn every_sort(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let list = stage(context, alice, "sorts").await?;
    for sort in ["created_at", "updated_at", "due_at", "title"] {
        let mut orders = Vec::new();
        for sort in [sort.to_owned(), format!("-{sort}")] {
            let list = format!("{list}&sort={sort}");
            let whole = context.send(alice.get(&list)).await?.column("/id")?;
            let walked = walk(context, alice, &list, 2, async || Ok(())).await?;
            let held = walked == whole && whole.len() == 7;
            expect(held, format!("GET {list}"), format!("{whole:?}"), format!("{walked:?}"))?;
            orders.push(whole);
        }
        // Where nulls go is the server's choice, so records without a due date are left out.
        if sort != "due_at" {
            orders[1].reverse();
            let held = orders[0] == orders[1];
            expect(held, format!("GET {list}&sort=-{sort}"), "the mirrored order", format!("{orders:?}"))?;
        }
    }
    let by_due = context.send(alice.get(format!("{list}&sort=due_at&due_before=2032-01-01T00:00:00Z"))).await?;
    let days = by_due.column("/due_at")?;
    by_due.must(days.is_sorted() && days.len() == 4, "four tasks in the order of their due dates").map(drop)
}

pub async fn stable_under_inserts(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    for sort in ["created_at", "-created_at", "title", "-due_at"] {
        let list = stage(context, alice, &format!("inserts {sort}")).await?;
        let place = list.rsplit('=').next().unwrap_or_default().to_owned();
        let list = format!("{list}&sort={sort}");
        let before = context.send(alice.get(&list)).await?.column("/id")?;
        let insert = async || {
            for title in ["aaa", "mmm", "zzz"] {
                let due = "2031-01-02T00:00:00.000Z";
                let task = json!({"title": title, "due_at": due, "context_id": place});
                context.create(alice, TASKS, task).await?;
            }
            Ok(())
        };
        let mut walked = walk(context, alice, &list, 3, insert).await?;
        walked.retain(|id| before.contains(id));
        let held = walked == before;
        expect(held, format!("GET {list}"), format!("{before:?}"), format!("{walked:?}"))?;
    }
    Ok(())
}

pub async fn contexts_have_pages(context: &Context) -> Verdict {
    let bob = context.bob().await?;
    for name in ["one", "two", "three", "four", "five"] {
        context.create_context(bob, name).await?;
    }
    for sort in ["created_at", "-updated_at"] {
        let list = format!("{CONTEXTS}?sort={sort}");
        let whole = context.send(bob.get(format!("{list}&limit=100"))).await?.column("/id")?;
        let walked = walk(context, bob, &list, 2, async || Ok(())).await?;
        let held = walked == whole && whole.len() >= 5;
        expect(held, format!("GET {list}"), format!("{whole:?}"), format!("{walked:?}"))?;
    }
    Ok(())
}

/// Records of the same millisecond have an order too.
pub async fn records_of_one_moment(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let place = context.create_context(alice, "one moment").await?;
    let task = json!({"title": "together", "context_id": place});
    let made = (0..8).map(|_| context.send(alice.post(TASKS).json(&task).unrecorded()));
    for answer in together(made).await {
        answer?.is(201)?;
    }
    for sort in ["created_at", "-updated_at", "title"] {
        let list = format!("{TASKS}?context_id={place}&sort={sort}");
        let whole = context.send(alice.get(&list).unrecorded()).await?.column("/id")?;
        let walked = walk(context, alice, &list, 1, async || Ok(())).await?;
        let held = walked == whole && whole.len() == 8;
        expect(held, format!("GET {list}"), format!("{whole:?}"), format!("{walked:?}"))?;
    }
    Ok(())
}

/// A cursor belongs to its user, filter and sort; what a cursor is not is a bad request.
pub async fn cursors_are_bound(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let list = stage(context, alice, "cursors").await?;
    let first = context.send(alice.get(format!("{list}&sort=title&limit=2"))).await?;
    let cursor = first.text("/next_cursor")?;
    let middle = cursor.len() / 2;
    let mut forged = cursor.to_owned();
    forged.replace_range(middle..=middle, if &cursor[middle..=middle] == "A" { "B" } else { "A" });
    let refused = [
        format!("{list}&sort=title&limit=2&cursor={forged}"),
        format!("{list}&sort=title&limit=2&cursor={}", &cursor[..middle]),
        format!("{list}&sort=title&limit=2&cursor={cursor}AAAA"),
        format!("{list}&sort=title&limit=2&cursor=forged"),
        format!("{list}&sort=-title&limit=2&cursor={cursor}"),
        format!("{list}&sort=created_at&limit=2&cursor={cursor}"),
        format!("{list}&sort=title&limit=2&status=todo&cursor={cursor}"),
        format!("{TASKS}?sort=title&limit=2&cursor={cursor}"),
    ];
    for path in refused {
        context.send(alice.get(path)).await?.problem(400)?;
    }
    let own = format!("{list}&sort=title&limit=2&cursor={cursor}");
    context.send(context.bob().await?.get(&own)).await?.problem(400)?;
    // How many there are to a page may change on the way.
    let next = context.send(alice.get(format!("{list}&sort=title&limit=3&cursor={cursor}"))).await?;
    next.must(next.column("/id")?.len() == 3, "the next three").map(drop)
}
