//! The migrations of contexts and tasks.

use trireme_core::migrations::Series;

pub const TASKS: Series = Series {
    name: "tasks",
    migrations: trireme_core::migrations! { "../../tasks/migrations":
        2 "0002_contexts_and_tasks",
        4 "0004_maintenance",
        5 "0005_folding",
        7 "0007_folding_anywhere",
    },
};
