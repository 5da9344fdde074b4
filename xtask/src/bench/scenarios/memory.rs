use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::thread::{self, sleep};
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};
use trireme_testbed::{Folder, Postgres};

use crate::Result;
use crate::bench::Arguments;
use crate::bench::ask::Ask;
use crate::bench::compare::Spread;
use crate::bench::programs::Programs;
use crate::bench::report::{Finding, Goal};
use crate::bench::stage::Trireme;
use crate::bench::wrk::Load;

const IDLE: u64 = 10_000;
const BUSY: u32 = 256;

pub fn run(arguments: &Arguments, programs: &Programs) -> Result<Vec<Finding>> {
    use trireme_testbed::Server;
    let folder = Folder::new()?;
    let nothing = || -> Result<f64> {
        let server = Server::start(programs.trireme_on_sqlite(&folder))?;
        sleep(Duration::from_secs(1));
        resident_mb(server.id())
    };
    let postgres = Postgres::start()?;
    let idle = || {
        let trireme = Trireme::start(arguments, programs, &postgres)?;
        with_idle(&trireme)
    };
    let busy = || {
        let trireme = Trireme::start(arguments, programs, &postgres)?;
        with_busy(arguments, &trireme)
    };
    let measure = |what: &str, goal, measure: &dyn Fn() -> Result<f64>| {
        let measured = (0..arguments.rounds).map(|_| measure()).collect::<Result<Vec<_>>>()?;
        let what = format!("resident memory {what}");
        Ok(Finding::new(what, "MB", Spread::of(measured), Goal::AtMost(goal)))
    };
    [
        measure("when idle, on SQLite", 15.7, &nothing),
        measure(&format!("with {IDLE} idle connections"), 120.0, &idle),
        measure(&format!("with {BUSY} busy connections"), 40.0, &busy),
    ]
    .into_iter()
    .collect()
}

/// Each connection has read a task once.
fn with_idle(trireme: &Trireme) -> Result<f64> {
    let mut limit = getrlimit(Resource::Nofile);
    let files = IDLE + 1000;
    if limit.current.is_some_and(|current| current < files) {
        limit.current = Some(files);
        setrlimit(Resource::Nofile, limit).map_err(|_| {
            format!("{IDLE} connections need {files} open files: `ulimit -Hn {files}`")
        })?;
    }
    let connect = || Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, trireme.server.port()))?);
    let mut connections = (0..IDLE).map(|_| connect()).collect::<Result<Vec<_>>>()?;
    let request = format!(
        "GET /api/v1/tasks/{} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
        trireme.tasks.own[0], trireme.account.token
    );
    let mut answer = [0; 16 << 10];
    let mut ask = |connection: &mut TcpStream| -> Result<()> {
        connection.write_all(request.as_bytes())?;
        let read = connection.read(&mut answer)?;
        let good = answer[..read].starts_with(b"HTTP/1.1 200");
        if good { Ok(()) } else { Err("an idle connection was not kept".into()) }
    };
    connections.iter_mut().try_for_each(&mut ask)?;
    sleep(Duration::from_secs(1));
    let resident = resident_mb(trireme.server.id())?;
    // They are there all the time.
    connections.iter_mut().step_by(100).try_for_each(ask)?;
    Ok(resident)
}

/// The most that is seen while they read.
fn with_busy(arguments: &Arguments, trireme: &Trireme) -> Result<f64> {
    let load = Load { connections: BUSY, seconds: arguments.seconds };
    let target = trireme.target("trireme", Ask::Read);
    let process = trireme.server.id();
    thread::scope(|scope| {
        let running = scope.spawn(|| load.run(&target).map_err(|error| error.to_string()));
        let mut most = 0.0_f64;
        while !running.is_finished() {
            most = most.max(resident_mb(process)?);
            sleep(Duration::from_millis(50));
        }
        running.join().map_err(|_| "the load panicked")??;
        Ok(most)
    })
}

fn resident_mb(process: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let kib = status.lines().find_map(|line| {
        line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok()
    });
    kib.map(|kib| kib * 1024.0 / 1e6)
        .ok_or_else(|| format!("/proc/{process}/status holds no VmRSS").into())
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_resides_somewhere() {
        assert!(super::resident_mb(std::process::id()).unwrap() > 0.5);
    }
}
