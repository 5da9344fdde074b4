use trireme::{
    Timestamp, Uuid, if_match, sql,
    sql::{DecodeError, Row, Statement, Value},
    text::fold,
};

use super::{Task, list, update};

/// Whether a task's context is deleted.
pub const LOST: &str = "EXISTS (SELECT 1 FROM contexts WHERE contexts.id = tasks.context_id AND deleted_at IS NOT NULL)";

/// The version that the task is shown with: to lose its context is a change. Maintenance makes
/// it so in the row; until then it is said by whoever reads.
pub const VERSION: &str = sql!("(version + CASE WHEN {} THEN 1 ELSE 0 END)", LOST);

/// Each filter that is given narrows the list; cursor, order and limit are added by the page.
pub fn list<'a>(user: Uuid, filter: &'a list::Filter) -> Statement<'a> {
    let mut statement = Statement::read(
        sql!("-- list_tasks\nSELECT {} FROM tasks WHERE user_id = $1", Task::COLUMNS),
        vec![user.into()],
    );
    let mut narrow = |condition: &str, value: Option<Value<'a>>| {
        if let Some(value) = value {
            let number = statement.bind(value);
            let condition = condition.replace('#', &format!("${number}"));
            statement.text.to_mut().push_str("\nAND ");
            statement.text.to_mut().push_str(&condition);
        }
    };
    narrow("status = #", filter.status.map(Into::into));
    narrow("priority = #", filter.priority.map(Into::into));
    narrow(
        "context_id = # AND NOT EXISTS (SELECT 1 FROM contexts WHERE id = # AND deleted_at IS NOT NULL)",
        filter.context_id.map(Into::into),
    );
    narrow("due_at < #", filter.due_before.map(Into::into));
    narrow("due_at > #", filter.due_after.map(Into::into));
    if let Some(text) = filter.q.as_deref() {
        // Rows that maintenance has not folded anew are in lower case.
        let mut needles = vec![fold(text), text.to_lowercase()];
        needles.dedup();
        let found = needles.into_iter().map(|needle| {
            let number = statement.bind(needle);
            format!(
                "instr(title_folded, ${number}) > 0 OR instr(description_folded, ${number}) > 0"
            )
        });
        let found = found.collect::<Vec<_>>().join(" OR ");
        let condition = format!("\nAND ({found})");
        statement.text.to_mut().push_str(&condition);
    }
    statement
}

pub fn get(user: Uuid, id: Uuid) -> Statement<'static> {
    Statement::read(
        sql!("-- get_task\nSELECT {} FROM tasks WHERE user_id = $1 AND id = $2", Task::COLUMNS),
        vec![user.into(), id.into()],
    )
}

/// Inserts if the context is the user's own, and, under an idempotency key, only if the key was
/// taken for this record.
pub fn create<'a>(user: Uuid, task: &Task<'a>, key: Option<String>) -> Statement<'a> {
    Statement::write(
        "-- create_task
         INSERT INTO tasks (id, user_id, title, description, status, priority, due_at, context_id,
             completed_at, created_at, updated_at, version, title_folded, description_folded, folding)
         SELECT $2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $10, 1, $11, $12, 1
         WHERE (CAST($8 AS uuid) IS NULL OR EXISTS (
             SELECT 1 FROM contexts WHERE id = $8 AND user_id = $1 AND deleted_at IS NULL
         ))
         AND (CAST($13 AS text) IS NULL OR EXISTS (
             SELECT 1 FROM idempotency_keys WHERE user_id = $1 AND key = $13 AND record_id = $2
         ))
         RETURNING id",
        vec![
            user.into(),
            task.id.into(),
            task.title.into(),
            task.description.into(),
            task.status.into(),
            task.priority.into(),
            task.due_at.into(),
            task.context_id.into(),
            task.completed_at.into(),
            task.created_at.into(),
            fold(task.title).into(),
            task.description.map(fold).into(),
            key.into(),
        ],
    )
}

/// Changes what is given. `completed_at` follows the status: set when it becomes `done`, kept
/// while it stays so, and cleared when it is left.
pub fn update<'a>(
    user: Uuid,
    id: Uuid,
    change: &'a update::Input,
    demanded: Value<'a>,
    now: Timestamp,
) -> Statement<'a> {
    Statement::write(
        sql!(
            "-- update_task
             UPDATE tasks SET
                 title = COALESCE($3, title),
                 title_folded = COALESCE($4, title_folded),
                 description = CASE WHEN $5 THEN $6 ELSE description END,
                 description_folded = CASE WHEN $5 THEN $7 ELSE description_folded END,
                 status = COALESCE($8, status),
                 completed_at = CASE WHEN COALESCE($8, status) <> 'done' THEN NULL
                                     WHEN status = 'done' THEN completed_at ELSE $15 END,
                 priority = COALESCE($9, priority),
                 due_at = CASE WHEN $10 THEN $11 ELSE due_at END,
                 context_id = CASE WHEN $12 THEN $13 WHEN {} THEN NULL ELSE context_id END,
                 updated_at = $15, version = {} + 1
             WHERE user_id = $1 AND id = $2 AND {}
             AND (CAST($13 AS uuid) IS NULL OR EXISTS (
                 SELECT 1 FROM contexts WHERE id = $13 AND user_id = $1 AND deleted_at IS NULL
             ))
             RETURNING id",
            LOST,
            VERSION,
            if_match!("$14", Task::TAG)
        ),
        vec![
            user.into(),
            id.into(),
            change.title.given().into(),
            change.title.given().map(|title| fold(title)).into(),
            change.description.is_given().into(),
            change.description.value().into(),
            change.description.value().map(|description| fold(description)).into(),
            change.status.given().into(),
            change.priority.given().into(),
            change.due_at.is_given().into(),
            change.due_at.value().into(),
            change.context_id.is_given().into(),
            change.context_id.value().into(),
            demanded,
            now.into(),
        ],
    )
}

pub fn delete(user: Uuid, id: Uuid, demanded: Value<'_>) -> Statement<'_> {
    Statement::write(
        sql!(
            "-- delete_task
             DELETE FROM tasks WHERE user_id = $1 AND id = $2 AND {}
             RETURNING id",
            if_match!("$3", Task::TAG)
        ),
        vec![user.into(), id.into(), demanded],
    )
}

/// Takes a deleted context from a piece of the tasks that still name it.
pub fn leave_context(user: Uuid, context: Uuid) -> Statement<'static> {
    Statement::write(
        "-- leave_context
         UPDATE tasks SET context_id = NULL, version = version + 1
         WHERE user_id = $1 AND id IN (SELECT id FROM tasks WHERE context_id = $2 LIMIT 1000)
         AND EXISTS (SELECT 1 FROM contexts WHERE id = $2 AND deleted_at IS NOT NULL)
         RETURNING 1 AS gone",
        vec![user.into(), context.into()],
    )
}

/// The tasks that wait to be folded anew. An index has this very condition.
const TO_FOLD: &str = "FROM tasks WHERE folding < 1
    AND length(hex(title || COALESCE(description, '')))
        > 2 * length(title || COALESCE(description, ''))";

pub fn to_fold_due() -> Statement<'static> {
    Statement::read(
        sql!(
            "-- count_tasks_to_fold
             SELECT count(*) FROM (SELECT 1 {} LIMIT 1000000) AS due",
            TO_FOLD
        ),
        vec![],
    )
}

/// Some of them: `user_id, id, version, title, description`.
pub fn to_fold() -> Statement<'static> {
    Statement::read(
        sql!(
            "-- list_tasks_to_fold
             SELECT user_id, id, version, title, description {} ORDER BY id LIMIT 50",
            TO_FOLD
        ),
        vec![],
    )
}

/// Folds one anew, unless it has changed meanwhile. To its user nothing has changed.
pub fn fold_anew(row: &dyn Row) -> Result<Statement<'static>, DecodeError> {
    let (title, description) = (row.text(3)?, row.text(4)?);
    Ok(Statement::write(
        "-- fold_task
         UPDATE tasks SET title_folded = COALESCE($4, title_folded), description_folded = $5, folding = 1
         WHERE user_id = $1 AND id = $2 AND version = $3 RETURNING id",
        vec![
            row.uuid(0)?.into(),
            row.uuid(1)?.into(),
            row.int(2)?.into(),
            title.map(fold).into(),
            description.map(fold).into(),
        ],
    ))
}
