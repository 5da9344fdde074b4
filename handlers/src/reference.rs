//! The reference product: tasks, and contexts that they are sorted by.

use trireme_core::{
    error::Documented,
    host::Host,
    migrations::{Migrations, Series},
};

use crate::{
    Described, Product, Route,
    maintenance::Step,
    product::{About, Tag},
};

pub struct Tasks;

/// For tests of hosts.
pub const TASKS: Series = crate::series::<Tasks>();

impl Product for Tasks {
    const NAME: &'static str = "tasks";
    const ABOUT: About = About {
        title: "Trireme",
        version: trireme_core::VERSION,
        summary: "Accounts, tokens, and records that only their owner can see.",
        description: "",
        license: Some("MIT OR Apache-2.0"),
        tags: &[
            Tag { name: "contexts", description: "What tasks are sorted by." },
            Tag { name: "tasks", description: "Tasks." },
        ],
    };
    const DOCUMENT: &'static [u8] = crate::document!("../../docs/openapi.json");
    const TABLES: &'static [&'static str] = &["tasks", "contexts"];
    const MIGRATIONS: Migrations = crate::migrations! { "../../tasks/migrations":
        2 "0002_contexts_and_tasks",
        4 "0004_maintenance",
        5 "0005_folding",
        7 "0007_folding_anywhere",
    };
    const MAINTENANCE: &'static [Step] = steps::STEPS;
    const CODES: &'static [Documented] = &[];

    fn routes<H: Host>() -> Vec<Route<H>> {
        table::routes()
    }
    fn operations() -> Vec<Described> {
        table::operations()
    }
}

mod table {
    use crate::{contexts, tasks};

    crate::routes! {
        ListContexts GET "/api/v1/contexts" User(query) contexts::list, "List contexts";
        CreateContext POST "/api/v1/contexts" User contexts::create, "Create a context";
        GetContext GET "/api/v1/contexts/{id}" User contexts::get, "Read a context";
        UpdateContext PATCH "/api/v1/contexts/{id}" User contexts::update, "Change a context";
        DeleteContext DELETE "/api/v1/contexts/{id}" User contexts::delete, "Delete a context; its tasks stay";

        ListTasks GET "/api/v1/tasks" User(query) tasks::list, "List tasks";
        CreateTask POST "/api/v1/tasks" User tasks::create, "Create a task";
        GetTask GET "/api/v1/tasks/{id}" User tasks::get, "Read a task";
        UpdateTask PATCH "/api/v1/tasks/{id}" User tasks::update, "Change a task";
        DeleteTask DELETE "/api/v1/tasks/{id}" User tasks::delete, "Delete a task";
    }
}

mod steps {
    use trireme_core::{
        Uuid,
        sql::{DecodeError, Row},
    };

    use crate::{contexts, maintenance::Step, tasks};

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
}
