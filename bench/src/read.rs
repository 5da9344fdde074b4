use std::time::Duration;

use bytes::Bytes;
use deadpool_postgres::{ClientWrapper, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod};
use futures_util::future::try_join3;
use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use tokio_postgres::{NoTls, Row};
use uuid::Uuid;

/// What Trireme sends for one task, as the test below checks.
const GET_TASK: &str = "-- get_task\nSELECT id, title, description, status, priority, due_at, context_id, completed_at,
         created_at, updated_at, version FROM tasks WHERE user_id = $1 AND id = $2";

/// What is sent for one read of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// The same as Trireme: a transaction that enters the user's role, in one round trip.
    Entered,
    /// A transaction that looks at session and account, and keeps its own role; the database
    /// needs check_user.sql beside Trireme's schema.
    Checked,
    /// The one statement.
    Plain,
}

/// `/read/MANNER/USER/SESSION/TASK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    manner: Manner,
    user: Uuid,
    session: Uuid,
    task: Uuid,
}

impl Read {
    pub fn parse(path: &str) -> Option<Self> {
        let mut parts = path.strip_prefix("/read/")?.split('/');
        let manner = match parts.next()? {
            "entered" => Manner::Entered,
            "checked" => Manner::Checked,
            "plain" => Manner::Plain,
            _ => return None,
        };
        let mut id = || parts.next()?.parse().ok();
        Some(Self { manner, user: id()?, session: id()?, task: id()? })
    }

    /// The task as JSON; `None` when there is no such task.
    pub async fn answer(self, pool: &Pool) -> Result<Option<Bytes>, PoolError> {
        let client = pool.get().await?;
        let rows = match self.manner {
            Manner::Entered | Manner::Checked => self.in_transaction(&client).await?,
            Manner::Plain => {
                let statement = client.prepare_cached(GET_TASK).await?;
                client.query(&statement, &[&self.user, &self.task]).await?
            }
        };
        let task = rows.first().map(Task::read).transpose()?;
        Ok(task.map(|task| {
            serde_json::to_vec(&task).expect("a task has nothing that JSON lacks").into()
        }))
    }

    /// Everything is sent before the first answer is awaited; the beginning as Trireme sends it
    /// on a direct connection.
    async fn in_transaction(self, client: &ClientWrapper) -> Result<Vec<Row>, PoolError> {
        let Self { user, session, .. } = self;
        let function = if self.manner == Manner::Entered { "enter_user" } else { "check_user" };
        let open = format!("BEGIN; SELECT {function}('{user}', '{session}')");
        let statement = client.prepare_cached(GET_TASK).await?;
        let ((), rows, ()) = try_join3(
            client.batch_execute(&open),
            client.query(&statement, &[&self.user, &self.task]),
            client.batch_execute("COMMIT"),
        )
        .await?;
        Ok(rows)
    }
}

/// A pool for one thread.
pub fn pool(url: &str, size: usize) -> Result<Pool, Box<dyn std::error::Error + Send + Sync>> {
    let manager = Manager::from_config(
        url.parse()?,
        NoTls,
        ManagerConfig { recycling_method: RecyclingMethod::Fast },
    );
    let pool = Pool::builder(manager).max_size(size).wait_timeout(Some(Duration::from_secs(2)));
    Ok(pool.runtime(deadpool_postgres::Runtime::Tokio1).build()?)
}

/// In the order of the statement's columns.
#[derive(Serialize)]
struct Task<'a> {
    id: Uuid,
    title: &'a str,
    description: Option<&'a str>,
    status: &'a str,
    priority: &'a str,
    due_at: Option<Moment>,
    context_id: Option<Uuid>,
    completed_at: Option<Moment>,
    created_at: Moment,
    updated_at: Moment,
    version: i64,
}

impl<'a> Task<'a> {
    fn read(row: &'a Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            title: row.try_get(1)?,
            description: row.try_get(2)?,
            status: row.try_get(3)?,
            priority: row.try_get(4)?,
            due_at: row.try_get::<_, Option<_>>(5)?.map(Moment),
            context_id: row.try_get(6)?,
            completed_at: row.try_get::<_, Option<_>>(7)?.map(Moment),
            created_at: Moment(row.try_get(8)?),
            updated_at: Moment(row.try_get(9)?),
            version: row.try_get(10)?,
        })
    }
}

const MILLISECONDS: &[BorrowedFormatItem<'_>] = time::macros::format_description!(
    "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
);

struct Moment(OffsetDateTime);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.format(MILLISECONDS).map_err(serde::ser::Error::custom)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If Trireme's statement changes, the comparison has to follow it.
    #[test]
    fn the_statement_is_triremes() {
        use trireme_tasks::tasks::sql::{LOST, get};
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let theirs = words(&get(Uuid::nil(), Uuid::nil()).text);
        assert_eq!(theirs.replace(&format!(", {}", words(LOST)), ""), words(GET_TASK));
    }

    #[test]
    fn a_path_names_manner_and_ids() {
        let id = "0191f0a0-0000-7000-8000-000000000000";
        let read = Read::parse(&format!("/read/checked/{id}/{id}/{id}")).unwrap();
        assert_eq!(read.manner, Manner::Checked);
        assert_eq!(read.task.to_string(), id);
        assert_eq!(Read::parse(&format!("/read/quietly/{id}/{id}/{id}")), None);
        assert_eq!(Read::parse("/health/live"), None);
    }
}
