//! What is done beside requests.

use trireme::{
    Uuid,
    maintenance::Step,
    sql::{DecodeError, Row},
};

use crate::{contexts, tasks};

pub const STEPS: &[Step] = &[
    Step::each(
        "deleted_contexts",
        |_, _| contexts::sql::deleted_due(),
        contexts::sql::first_deleted,
        |row| Ok(contexts::sql::remove(id(row, 0)?, id(row, 1)?).into()),
    ),
    Step::each(
        "tasks_to_fold",
        |_, _| tasks::sql::to_fold_due(),
        tasks::sql::to_fold,
        |row| Ok(vec![tasks::sql::fold_anew(row)?]),
    ),
];

fn id(row: &dyn Row, column: usize) -> Result<Uuid, DecodeError> {
    row.uuid(column)?.ok_or(DecodeError { column })
}
