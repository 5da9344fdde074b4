//! What clients hold of this process: connections and memory.

use std::fmt::Write as _;

use super::family;
use crate::server::House;

pub fn render(house: &House, text: &mut String) {
    let (guests, memory) = (house.guests.figures(), house.budget.figures());
    let gauges = [
        ("http_connections", "Open connections.", guests.open),
        ("memory_budget_bytes", "What requests may hold: MEMORY_BUDGET_BYTES.", memory.limit),
        ("memory_budget_used_bytes", "What requests hold.", memory.used),
    ];
    for (name, help, value) in gauges {
        family(text, name, "gauge", help);
        let _ = writeln!(text, "{name} {value}");
    }
    let counters = [
        ("http_connections_shed_total", "Idle connections that made way for others.", guests.shed),
        (
            "http_connections_crowded_total",
            "Connections beyond a limit, for health probes alone.",
            guests.crowded,
        ),
        ("memory_budget_refused_total", "What there was no memory for.", memory.refused),
    ];
    for (name, help, value) in counters {
        family(text, name, "counter", help);
        let _ = writeln!(text, "{name} {value}");
    }
    let name = "http_slow_clients_cut_total";
    family(text, name, "counter", "Streams and connections that were given up, by reason.");
    let _ = writeln!(text, "{name}{{reason=\"stalled\"}} {}", memory.stalled);
    let _ = writeln!(text, "{name}{{reason=\"memory\"}} {}", memory.cut);
}
