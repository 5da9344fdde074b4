//! The way to the database, in figures.

use std::fmt::Write as _;

use super::family;
use crate::database::stats::Stats;

pub fn render(stats: &Stats, text: &mut String) {
    let gauges = [
        ("database_pool_max", "Connections at most.", stats.max),
        ("database_pool_size", "Connections that are open.", stats.open),
        ("database_pool_idle", "Connections without work.", stats.idle),
        ("database_pool_in_use", "Connections at work.", stats.open.saturating_sub(stats.idle)),
        ("database_pool_waiting", "Requests that wait for a connection.", stats.waiting),
    ];
    for (name, help, value) in gauges {
        family(text, name, "gauge", help);
        let _ = writeln!(text, "{name} {value}");
    }
    let counters = [
        ("database_connections_opened_total", "Connections opened.", stats.opened),
        ("database_connections_refused_total", "Attempts to open one that failed.", stats.refused),
    ];
    for (name, help, value) in counters {
        family(text, name, "counter", help);
        let _ = writeln!(text, "{name} {value}");
    }

    let name = "database_acquire_wait_seconds";
    family(text, name, "histogram", "How long requests waited for a connection.");
    for (bound, count) in stats.wait.buckets {
        let _ = writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {count}");
    }
    let (count, sum) = (stats.wait.count, stats.wait.sum);
    let _ = writeln!(
        text,
        "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}"
    );

    family(text, "database_errors_total", "counter", "Failed batches by kind.");
    for (kind, count) in stats.errors {
        let _ = writeln!(text, "database_errors_total{{kind=\"{kind}\"}} {count}");
    }
}
