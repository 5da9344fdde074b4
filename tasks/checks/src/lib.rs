//! What the reference product promises beyond what every product does: its resources, and what is
//! special about them.

mod contexts;
mod tasks;

use trireme_verify::{Group, checks};

pub const CHECKS: &[Group] = checks! {
    contexts of contexts::RESOURCE { deletion_keeps_tasks, count_in_tag }
    tasks of tasks::RESOURCE { completed_at, search, due_between, leaving_a_context }
};
