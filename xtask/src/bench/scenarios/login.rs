use std::process::Command;
use std::thread::{self, sleep};
use std::time::Duration;

use serde_json::json;
use trireme_testbed::{Database, Postgres, Server};

use crate::Result;
use crate::bench::compare::Spread;
use crate::bench::fixture::{self, EMAIL, PASSWORD};
use crate::bench::programs::{Programs, target};
use crate::bench::report::{Finding, Goal};
use crate::bench::stage::POOL;
use crate::bench::wrk::{Load, Script, Target};
use crate::bench::{Arguments, steady};

/// What production allows at the least.
const COST: &str = "10";
/// Reads a second, alone and beside sign-ins: few enough for what is left of the processors.
const READS: f64 = 500.0;
/// A connection for each thread that hashes, and one for each that is elsewhere meanwhile.
const PER_CORE: u32 = 2;
/// Who was cut off is hashed for all the same: for so long a run weighs on the next.
const REST: Duration = Duration::from_secs(1);

/// Sign-ins, of comparisons of a password by bcrypt alone; and what reads beside them take.
pub fn run(arguments: &Arguments, programs: &Programs) -> Result<Vec<Finding>> {
    let postgres = Postgres::start()?;
    let database = Database::create(&postgres)?;
    let options = programs
        .trireme(&database.url())
        .env("DATABASE_POOL_MAX", POOL)
        .env("BCRYPT_COST", COST)
        .env("RATE_LIMIT_AUTH_PER_ADDRESS", "1000000/60s")
        .env("RATE_LIMIT_AUTH_PER_ACCOUNT", "1000000/60s");
    let trireme = Server::start(options)?;
    let account = fixture::register(&trireme)?;
    let task = fixture::create_task(&trireme, &account)?;
    let read = Target {
        token: Some(account.token),
        ..target("read", &trireme, &format!("/api/v1/tasks/{task}"))
    };
    let body = json!({ "email": EMAIL, "password": PASSWORD }).to_string();
    let script = Script { file: "post.lua", arguments: vec![body], threads: false };
    let login = Target { script: Some(script), ..target("login", &trireme, "/api/v1/auth/login") };
    // Long enough that those which are under way at the end don't count for much.
    let connections = PER_CORE * u32::try_from(thread::available_parallelism()?.get())?;
    let load = Load { connections, seconds: 2 * arguments.seconds };
    load.run(&login)?;

    let (mut throughput, mut tails) = (Vec::new(), Vec::new());
    for round in 1..=arguments.rounds {
        sleep(REST);
        let signed_in = load.run(&login)?.requests_per_second;
        sleep(REST);
        let compared = bcrypt_alone(load, programs)?;
        let reads = || {
            steady::run(programs, &read, Some(READS), arguments.seconds)
                .map(|it| it.p99_ms)
                .map_err(|error| error.to_string())
        };
        let alone = reads()?;
        // The sign-ins begin before the reads and end after them.
        let longer = Load { seconds: arguments.seconds + 2, ..load };
        let beside = thread::scope(|scope| {
            let others = scope.spawn(|| longer.run(&login).map_err(|error| error.to_string()));
            sleep(REST);
            let beside = reads();
            others.join().map_err(|_| "the sign-ins panicked".to_owned())??;
            beside
        })?;
        eprintln!(
            "login, round {round}: {signed_in:.1}/s of {compared:.1}/s; reads' p99 {beside:.2} ms of {alone:.2} ms"
        );
        throughput.push(signed_in / compared);
        tails.push(beside / alone);
    }
    let what = format!("login at cost {COST}, of bcrypt alone");
    Ok(vec![
        Finding::new(what, "", Spread::of(throughput), Goal::AtLeast(0.95)),
        Finding::new(
            format!("p99 of {READS} reads a second beside logins, of alone"),
            "",
            Spread::of(tails),
            Goal::AtMost(3.0),
        ),
    ])
}

/// Comparisons a second on all cores.
fn bcrypt_alone(load: Load, programs: &Programs) -> Result<f64> {
    let mut bcrypt = Command::new(programs.tool("bcrypt"));
    bcrypt.args(["--cost", COST, "--seconds", &load.seconds.to_string()]);
    let output = bcrypt.output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
}
