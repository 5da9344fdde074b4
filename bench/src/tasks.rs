//! What is asked of PostgreSQL: a task, a page of them, a new one, a change.

use std::cell::Cell;
use std::time::Duration;

use serde::Deserialize;
use time::OffsetDateTime;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row};
use uuid::{Builder, Uuid};

use crate::postgres::{Argument, Pool};
use crate::route::{Manner, Route};
use crate::statements::Sql;
use crate::task::{Moment, Task};

/// One more than a page of 20, to know whether there is a next one.
const PAGE: i64 = 21;
const KEY_IS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// As long as Trireme's hash of a request, which is its own business.
const FINGERPRINT: &str = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

#[derive(Deserialize)]
pub struct New {
    pub title: String,
    pub description: Option<String>,
    pub priority: String,
}

#[derive(Deserialize)]
pub struct Change {
    pub status: Option<String>,
    pub priority: Option<String>,
}

pub async fn get(pool: &Pool, route: &Route, id: Uuid) -> Result<Option<Row>, Error> {
    let sql = if route.manner == Manner::Plain { Sql::GetAlone } else { Sql::Get };
    let found: &[Argument<'_>] = &[(&route.user, Type::UUID), (&id, Type::UUID)];
    let mut rows = pool.get().await.run(route, &[(sql, found)]).await?;
    Ok(rows.remove(0).pop())
}

pub async fn list(pool: &Pool, route: &Route) -> Result<Vec<Row>, Error> {
    let page: &[Argument<'_>] = &[(&route.user, Type::UUID), (&PAGE, Type::INT8)];
    let mut rows = pool.get().await.run(route, &[(Sql::List, page)]).await?;
    Ok(rows.remove(0))
}

/// The new task; `None` when it was not made.
pub async fn create<'a>(
    pool: &Pool,
    route: &Route,
    new: &'a New,
    key: Option<&str>,
) -> Result<Option<Task<'a>>, Error> {
    let (id, now) = (new_id(), OffsetDateTime::now_utc());
    let user = (&route.user as _, Type::UUID);
    let (title_folded, description_folded) =
        (new.title.to_lowercase(), new.description.as_ref().map(|it| it.to_lowercase()));
    let made: &[Argument<'_>] = &[
        user.clone(),
        (&id, Type::UUID),
        (&new.title, Type::TEXT),
        (&new.description, Type::TEXT),
        (&"todo", Type::TEXT),
        (&new.priority, Type::TEXT),
        (&None::<OffsetDateTime>, Type::TIMESTAMPTZ),
        (&None::<Uuid>, Type::UUID),
        (&None::<OffsetDateTime>, Type::TIMESTAMPTZ),
        (&now, Type::TIMESTAMPTZ),
        (&title_folded, Type::TEXT),
        (&description_folded, Type::TEXT),
        (&key, Type::TEXT),
    ];
    let connection = pool.get().await;
    let is_made = if key.is_some() {
        let key = (&key as _, Type::TEXT);
        let expires = now + KEY_IS_KEPT;
        let taken: &[Argument<'_>] = &[
            user.clone(),
            key.clone(),
            (&FINGERPRINT, Type::TEXT),
            (&id, Type::UUID),
            (&expires, Type::TIMESTAMPTZ),
        ];
        let statements: &[(Sql, &[Argument<'_>])] = &[
            (Sql::ForgetKey, &[user.clone(), key.clone(), (&now, Type::TIMESTAMPTZ)]),
            (Sql::TakeKey, taken),
            (Sql::Create, made),
            (Sql::ReleaseKey, &[user.clone(), key.clone(), (&id, Type::UUID)]),
            (Sql::KeyHolder, &[user.clone(), key]),
        ];
        let rows = connection.run(route, statements).await?;
        let holder = rows[4].first().map(|row| row.try_get::<_, Uuid>(0)).transpose()?;
        holder == Some(id)
    } else {
        !connection.run(route, &[(Sql::Create, made)]).await?[0].is_empty()
    };
    Ok(is_made.then(|| Task {
        id,
        title: &new.title,
        description: new.description.as_deref(),
        status: "todo",
        priority: &new.priority,
        due_at: None,
        context_id: None,
        completed_at: None,
        created_at: Moment(now),
        updated_at: Moment(now),
        version: 1,
    }))
}

/// The task as it is now, and whether it was changed; `tag` is what `If-Match` has.
pub async fn update(
    pool: &Pool,
    route: &Route,
    id: Uuid,
    change: &Change,
    tag: Option<&str>,
) -> Result<(Option<Row>, bool), Error> {
    let demanded = tag.map(|tag| format!(",{},", tag.trim_matches('"')));
    let now = OffsetDateTime::now_utc();
    let (no_text, none) = (&None::<String> as _, &false as _);
    let changed: &[Argument<'_>] = &[
        (&route.user, Type::UUID),
        (&id, Type::UUID),
        (no_text, Type::TEXT),
        (no_text, Type::TEXT),
        (none, Type::BOOL),
        (no_text, Type::TEXT),
        (no_text, Type::TEXT),
        (&change.status, Type::TEXT),
        (&change.priority, Type::TEXT),
        (none, Type::BOOL),
        (&None::<OffsetDateTime>, Type::TIMESTAMPTZ),
        (none, Type::BOOL),
        (&None::<Uuid>, Type::UUID),
        (&demanded, Type::TEXT),
        (&now, Type::TIMESTAMPTZ),
    ];
    let found: &[Argument<'_>] = &[(&route.user, Type::UUID), (&id, Type::UUID)];
    let connection = pool.get().await;
    let mut rows = connection.run(route, &[(Sql::Update, changed), (Sql::Get, found)]).await?;
    Ok((rows.remove(1).pop(), !rows[0].is_empty()))
}

/// A UUIDv7, so that new tasks lie beside one another in the index, as Trireme's do.
fn new_id() -> Uuid {
    thread_local! {
        // Threads differ in where this lies.
        static COUNT: Cell<u64> = const { Cell::new(0) };
    }
    let mut tail = [0; 10];
    COUNT.with(|count| {
        count.set(count.get() + 1);
        let thread = std::ptr::from_ref(count) as usize;
        tail[..4].copy_from_slice(&(count.get() as u32).to_be_bytes());
        tail[4..].copy_from_slice(&(thread as u64).to_be_bytes()[2..]);
    });
    let millis = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
    Builder::from_unix_timestamp_millis(millis as u64, &tail).into_uuid()
}
