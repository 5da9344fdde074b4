//! Workers and Spin: what they weigh, how fast they start, what a request costs.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use trireme_testbed::{Folder, Postgres, free_port, http};

use crate::bench::Arguments;
use crate::bench::compare::Spread;
use crate::bench::fixture;
use crate::bench::programs::target;
use crate::bench::report::{Finding, Goal};
use crate::bench::wrk::{Load, Target};
use crate::cell::{Backend, Cell, Host, Options, Programs, Running, Spin};
use crate::edge::{self, Profile};
use crate::{Result, root};

const STARTS: usize = 11;
const VARIABLES: [(&str, &str); 4] = [
    ("JWT_SECRET", "3jZ8qT1vLw6Ks0Yx5Rb9Nc2Mf7Hg4Pd-of-a-benchmark"),
    ("CORS_ORIGINS", "https://bench.example"),
    ("ACCESS_TOKEN_TTL_SECONDS", "86400"),
    ("LOG_FORMAT", "json"),
];

pub fn workers(arguments: &Arguments) -> Result<Vec<Finding>> {
    let programs = Programs::build(&[Host::Workers], Profile::Release, false)?;
    let worker = programs.worker.clone().ok_or("the Worker was not built")?;
    let hello = edge::build_hello_worker()?;
    let weight = |folder: &Path| -> Result<f64> {
        let files = ["index.js", "index_bg.wasm"].map(|name| folder.join(name));
        Ok((edge::compressed(&files[0])? + edge::compressed(&files[1])?) as f64 / 1000.0)
    };
    let one = |value: f64| Spread::of([value]);
    let mut findings = vec![
        Finding::new("worker, compressed", "kB", one(weight(&worker)?), Goal::AtMost(600.0)),
        Finding::new("hello worker, compressed", "kB", one(weight(&hello)?), Goal::None),
    ];
    let mut ratios = Vec::new();
    for _ in 0..STARTS {
        let (ours, least) = (cold_start(&worker)?, cold_start(&hello)?);
        eprintln!("cold start: worker {ours:?}, hello {least:?}");
        ratios.push(ours.as_secs_f64() / least.as_secs_f64());
    }
    let what = "worker's cold start, of hello's";
    findings.push(Finding::new(what, "", Spread::of(ratios), Goal::AtMost(1.5)));

    findings.extend(reads(arguments, &programs, Backend::Sqlite, "read on D1", 1.0)?);
    let what = "read on PostgreSQL, SCRAM included";
    findings.extend(reads(arguments, &programs, Backend::Postgres, what, 2.5)?);
    Ok(findings)
}

pub fn spin(arguments: &Arguments) -> Result<Vec<Finding>> {
    let programs = Programs::build(&[Host::Spin], Profile::Release, false)?;
    let ours = programs.spin.as_ref().ok_or("Spin's component was not built")?;
    let hello = Programs {
        trireme: programs.trireme.clone(),
        worker: None,
        spin: Some(Spin {
            component: edge::build_hello_spin()?,
            manifest: ours.manifest.clone(),
            command: ours.command.clone(),
        }),
        migrations: programs.migrations.clone(),
    };
    let weight = |programs: &Programs| -> Result<Spread> {
        let component = &programs.spin.as_ref().ok_or("no component")?.component;
        Ok(Spread::of([fs::metadata(component)?.len() as f64 / 1000.0]))
    };
    let mut findings = vec![
        Finding::new("component", "kB", weight(&programs)?, Goal::AtMost(1300.0)),
        Finding::new("hello component", "kB", weight(&hello)?, Goal::None),
    ];
    let cell = Cell { host: Host::Spin, backend: Backend::Sqlite };
    let running = Running::start(cell, &programs, None, options(false))?;
    let least = Running::start(cell, &hello, None, options(false))?;
    let comparison = arguments.compare(
        "spin",
        &target("trireme", &running.server, "/health/live"),
        &target("hello", &least.server, "/health/live"),
    )?;
    findings.push(Finding::of_comparison("component, of hello", comparison, Goal::None));
    Ok(findings)
}

fn options(direct: bool) -> Options {
    let variables = VARIABLES.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Options { variables, direct, ..Options::default() }
}

/// One task, again and again. The processor time is that of the whole runtime, D1 included, and
/// not of the database server.
fn reads(
    arguments: &Arguments,
    programs: &Programs,
    backend: Backend,
    what: &str,
    goal_ms: f64,
) -> Result<Vec<Finding>> {
    let postgres = (backend == Backend::Postgres).then(Postgres::start).transpose()?;
    let cell = Cell { host: Host::Workers, backend };
    let running = Running::start(cell, programs, postgres.as_ref(), options(true))?;
    let account = fixture::register(&running.server)?;
    let task = fixture::create_task(&running.server, &account)?;
    let target = Target {
        token: Some(account.token),
        ..target("worker", &running.server, &format!("/api/v1/tasks/{task}"))
    };
    let load = Load { connections: 8, seconds: arguments.seconds };
    Load { seconds: 1, ..load }.run(&target)?;
    let samples = (0..arguments.rounds).map(|_| load.run(&target)).collect::<Result<Vec<_>>>()?;
    let spread = |of: fn(&crate::bench::wrk::Sample) -> f64| Spread::of(samples.iter().map(of));
    let cpu = spread(|it| it.cpu_us_per_request / 1000.0);
    Ok(vec![
        Finding::new(format!("{what}: CPU"), "ms", cpu, Goal::AtMost(goal_ms)),
        Finding::new(what, "1/s", spread(|it| it.requests_per_second), Goal::None),
    ])
}

/// From the start of workerd to its first answer.
fn cold_start(worker: &Path) -> Result<Duration> {
    let folder = Folder::new()?;
    let port = free_port()?;
    for name in ["index.js", "index_bg.wasm"] {
        fs::copy(worker.join(name), folder.path().join(name))?;
    }
    let bindings = VARIABLES.iter().chain(&[("DATABASE_URL", "postgres://nobody@127.0.0.1/none")]);
    let bindings: Vec<_> =
        bindings.map(|(name, text)| format!("(name = \"{name}\", text = \"{text}\")")).collect();
    let config = format!(
        r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [
    (name = "index.js", esModule = embed "index.js"),
    (name = "./index_bg.wasm", wasm = embed "index_bg.wasm"),
  ],
  compatibilityDate = "2026-04-01",
  bindings = [{}],
);
"#,
        bindings.join(", ")
    );
    let file = folder.path().join("config.capnp");
    fs::write(&file, config)?;
    let workerd = root().join("worker-host/node_modules/@cloudflare/workerd-linux-64/bin/workerd");
    let begun = Instant::now();
    let process = Command::new(workerd).arg("serve").arg(&file).stderr(Stdio::null()).spawn()?;
    let _ended = Ended(process);
    while begun.elapsed() < Duration::from_secs(20) {
        if http::get(port, "/health/live").is_ok_and(|answer| answer.status == 200) {
            return Ok(begun.elapsed());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Err("workerd did not answer within 20 s".into())
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
