//! The load generator: Debian's wrk, and what it prints.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde::Serialize;

use crate::{Result, root};

/// A running server, and what it is asked over and over.
pub struct Target {
    pub name: &'static str,
    pub url: String,
    /// An access token, where the endpoint wants one.
    pub token: Option<String>,
    /// The server's process, whose processor time is counted.
    pub process: u32,
    /// What is asked, where that is more than one GET of the URL.
    pub script: Option<Script>,
}

/// One of the scripts in the folder `wrk`; each says what its arguments are.
#[derive(Clone)]
pub struct Script {
    pub file: &'static str,
    pub arguments: Vec<String>,
    /// Whether each connection has a thread of its own, and so a state of its own.
    pub threads: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub connections: u32,
    pub seconds: u32,
}

/// What one run of the load generator found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Sample {
    pub requests_per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// Processor time of the server alone. Unlike throughput it says how much work a
    /// request is even when the load generator takes a processor from the server.
    pub cpu_us_per_request: f64,
}

impl Load {
    /// Fails when a request did: an error is often faster than an answer.
    pub fn run(self, target: &Target) -> Result<Sample> {
        let mut wrk = Command::new(trireme_testbed::find_program("wrk")?);
        let connections = self.connections.to_string();
        let is_threaded = target.script.as_ref().is_some_and(|it| it.threads);
        wrk.args(["--threads", if is_threaded { &connections } else { "1" }])
            .args(["--connections", &connections, "--latency"])
            // Trireme's own deadline; wrk's of 2 s is short for a queue of sign-ins.
            .args(["--timeout", "10s"])
            .args(["--duration", &format!("{}s", self.seconds)]);
        if let Some(token) = &target.token {
            wrk.args(["--header", &format!("Authorization: Bearer {token}")]);
        }
        if let Some(script) = &target.script {
            wrk.arg("--script").arg(folder().join(script.file));
        }
        wrk.args([&target.url, "--"]);
        wrk.args(target.script.iter().flat_map(|it| &it.arguments));
        let before = processor_time(target.process)?;
        let output = wrk.output()?;
        let spent = processor_time(target.process)?.saturating_sub(before);
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            return Err(format!(
                "wrk failed on {}: {}",
                target.url,
                String::from_utf8_lossy(&output.stderr)
            )
            .into());
        }
        let printed = parse(&text)
            .ok_or_else(|| format!("wrk printed something else than expected:\n{text}"))?;
        if let Some(fault) = printed.fault {
            return Err(format!("{} did not answer every request well: {fault}", target.url).into());
        }
        Ok(Sample {
            requests_per_second: printed.requests_per_second,
            p50_ms: printed.p50_ms,
            p99_ms: printed.p99_ms,
            cpu_us_per_request: spent.as_secs_f64() * 1e6 / printed.requests,
        })
    }
}

/// Where the scripts are.
pub fn folder() -> PathBuf {
    root().join("xtask/src/bench/wrk")
}

#[derive(Debug, PartialEq)]
struct Printed {
    requests: f64,
    requests_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    fault: Option<String>,
}

fn parse(text: &str) -> Option<Printed> {
    let lines = || text.lines().map(str::trim);
    let after = |start: &str| lines().find_map(|line| line.strip_prefix(start)).map(str::trim);
    Some(Printed {
        requests: lines().find_map(|line| line.split_once(" requests in ")?.0.parse().ok())?,
        requests_per_second: after("Requests/sec:")?.parse().ok()?,
        p50_ms: milliseconds(after("50%")?)?,
        p99_ms: milliseconds(after("99%")?)?,
        fault: lines()
            .find(|line| line.starts_with("Socket errors:") || line.starts_with("Non-2xx"))
            .map(str::to_owned),
    })
}

/// `73.00us`, `1.20ms`, `2.00s` or `1.00m`.
fn milliseconds(text: &str) -> Option<f64> {
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0), ("m", 60_000.0)];
    units
        .iter()
        .find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
}

/// What a process and those that it started have used of the processors since their start, in
/// user and kernel mode.
fn processor_time(process: u32) -> Result<Duration> {
    let mut total = of_process(process)?;
    for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let children = std::fs::read_to_string(thread?.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace() {
            // One that has just ended counts no more.
            total += processor_time(child.parse()?).unwrap_or_default();
        }
    }
    Ok(total)
}

fn of_process(process: u32) -> Result<Duration> {
    /// Linux tells programs its ticks in hundredths of a second on every machine.
    const TICKS_PER_SECOND: u64 = 100;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field, the program's name in parentheses, may hold spaces.
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect::<Vec<_>>());
    let ticks = |index: usize| fields.as_ref()?.get(index)?.parse::<u64>().ok();
    let (Some(user), Some(kernel)) = (ticks(11), ticks(12)) else {
        return Err(format!("/proc/{process}/stat is not as expected").into());
    };
    Ok(Duration::from_millis((user + kernel) * 1000 / TICKS_PER_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "Running 5s test @ http://127.0.0.1:20000/health/live
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   651.79us  194.51us   7.12ms   85.29%
    Req/Sec    98.19k     4.31k  104.12k    78.00%
  Latency Distribution
     50%  632.00us
     75%  705.00us
     90%    0.92ms
     99%    1.27ms
  488536 requests in 5.00s, 63.83MB read
Requests/sec:  97699.74
Transfer/sec:     12.76MB
";

    #[test]
    fn reads_what_wrk_prints() {
        let expected = Printed {
            requests: 488_536.0,
            requests_per_second: 97_699.74,
            p50_ms: 0.632,
            p99_ms: 1.27,
            fault: None,
        };
        assert_eq!(parse(PRINTED), Some(expected));
        assert_eq!(parse("unable to connect"), None);
    }

    #[test]
    fn a_failed_request_is_a_fault() {
        let fault = "  Non-2xx or 3xx responses: 7";
        let printed = PRINTED.replace("Requests/sec:", &format!("{fault}\nRequests/sec:"));
        assert_eq!(parse(&printed).unwrap().fault.as_deref(), Some(fault.trim()));
    }

    #[test]
    fn this_process_has_used_some_time() {
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(60) {}
        assert!(processor_time(std::process::id()).unwrap() > Duration::ZERO);
    }
}
