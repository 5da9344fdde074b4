use std::thread::sleep;
use std::time::Duration;

use trireme_testbed::{Folder, Server};

use crate::Result;
use crate::bench::compare::Spread;
use crate::bench::programs::Programs;
use crate::bench::report::{Finding, Goal};

const ROUNDS: usize = 5;

pub fn run(programs: &Programs) -> Result<Vec<Finding>> {
    let folder = Folder::new()?;
    let measure = || -> Result<f64> {
        let server = Server::start(programs.trireme_on_sqlite(&folder))?;
        sleep(Duration::from_secs(1));
        resident_mib(server.id())
    };
    let measured = (0..ROUNDS).map(|_| measure()).collect::<Result<Vec<_>>>()?;
    Ok(vec![Finding::new(
        "resident memory when idle",
        "MiB",
        Spread::of(measured),
        Goal::AtMost(15.0),
    )])
}

fn resident_mib(process: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let kib = status.lines().find_map(|line| {
        line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok()
    });
    kib.map(|kib| kib / 1024.0)
        .ok_or_else(|| format!("/proc/{process}/status holds no VmRSS").into())
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_resides_somewhere() {
        assert!(super::resident_mib(std::process::id()).unwrap() > 0.5);
    }
}
