//! The figures of this process, under the names that Prometheus' own libraries use.

use std::{
    fmt::Write as _,
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

/// Appends what the system tells; outside Linux that is the start time alone.
pub fn render(started: SystemTime, text: &mut String) {
    let started = started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    line(text, "process_start_time_seconds", "gauge", "Start, since the Unix epoch.", started);
    if let Some(stat) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(Stat::parse)
    {
        line(text, "process_cpu_seconds_total", "counter", "CPU time.", stat.cpu_seconds);
        line(
            text,
            "process_resident_memory_bytes",
            "gauge",
            "Resident memory.",
            stat.resident_bytes,
        );
        line(text, "process_threads", "gauge", "Threads.", stat.threads);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // One of them is the folder itself.
        line(text, "process_open_fds", "gauge", "Open file descriptors.", open.count() - 1);
    }
}

fn line(text: &mut String, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
    super::family(text, name, kind, help);
    let _ = writeln!(text, "{name} {value}");
}

#[derive(Debug, PartialEq)]
struct Stat {
    cpu_seconds: f64,
    threads: u64,
    resident_bytes: u64,
}

impl Stat {
    /// `/proc/<pid>/stat`, proc_pid_stat(5); the numbers there count from 1.
    fn parse(text: &str) -> Option<Self> {
        // The second field is a file's name in parentheses, which may contain anything.
        let (_, rest) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let ticks = field(14)? + field(15)?;
        Some(Self {
            cpu_seconds: ticks as f64 / rustix::param::clock_ticks_per_second() as f64,
            threads: field(20)?,
            resident_bytes: field(24)? * rustix::param::page_size() as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_own_figures() {
        let mut text = String::new();
        render(SystemTime::now(), &mut text);
        for name in [
            "start_time_seconds",
            "cpu_seconds_total",
            "resident_memory_bytes",
            "threads",
            "open_fds",
        ] {
            assert!(text.contains(&format!("\nprocess_{name} ")), "{name} in {text}");
        }
    }

    #[test]
    fn is_not_confused_by_a_file_name() {
        let text = "7 (a) (b) S 1 7 7 0 -1 4194560 9 0 0 0 120 30 0 0 20 0 6 0 99 1000000 250 1";
        let stat = Stat::parse(text).unwrap();
        assert_eq!(stat.threads, 6);
        assert_eq!(stat.resident_bytes, 250 * rustix::param::page_size() as u64);
        assert!(stat.cpu_seconds > 0.0);
    }
}
