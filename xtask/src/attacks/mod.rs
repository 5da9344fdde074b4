//! What attackers try, each attack in its smallest form, against the real process.
//!
//! An attack takes a few seconds, and says what it measured; an error says which bound broke. One
//! file a topic: add an [`Attack`] to its `ALL`, and the file's to [`all`]. `docs/threats.md`
//! names each.

mod addresses;
mod databases;
mod growth;
mod isolation;
mod memory;
mod tokens;
mod urls;
mod wire;

use std::path::Path;
use std::time::Instant;

use trireme_testbed::{Database, Postgres, Server, ServerOptions, http};

use crate::cell::{Host, Programs};
use crate::edge::Profile;
use crate::{Result, ui};

pub struct Attack {
    /// What the attacker does.
    pub name: &'static str,
    /// What the server keeps to meanwhile.
    pub bound: &'static str,
    /// `Ok` is what was measured, within the bound.
    pub run: fn(&Ground) -> Result<String>,
}

fn all() -> impl Iterator<Item = &'static Attack> {
    const TOPICS: [&[Attack]; 8] = [
        tokens::ALL,
        isolation::ALL,
        addresses::ALL,
        growth::ALL,
        urls::ALL,
        wire::ALL,
        memory::ALL,
        databases::ALL,
    ];
    TOPICS.into_iter().flatten()
}

/// What attacks are made on.
pub struct Ground {
    programs: Programs,
    postgres: Postgres,
}

/// A server under attack, with its database; both are gone when it is dropped.
pub struct Target {
    pub server: Server,
    pub database: Option<Database>,
}

impl Ground {
    /// The program, for what is no server.
    pub fn trireme(&self) -> &Path {
        &self.programs.trireme
    }

    /// The server on SQLite, with limits on sign-ins out of the way unless `variables` set them.
    pub fn sqlite(&self, variables: &[(&str, &str)]) -> Result<Target> {
        let server = self.options("sqlite://trireme.sqlite3", variables);
        Ok(Target { server: Server::start(server)?, database: None })
    }

    /// The same on a PostgreSQL database of its own.
    pub fn on_postgres(&self, variables: &[(&str, &str)]) -> Result<Target> {
        let database = Database::create(&self.postgres)?;
        let server = self.options(&database.url(), variables);
        Ok(Target { server: Server::start(server)?, database: Some(database) })
    }

    /// How the server is started, for an attack that starts it itself.
    pub fn options(&self, database_url: &str, variables: &[(&str, &str)]) -> ServerOptions {
        const VARIABLES: [(&str, &str); 4] = [
            ("BCRYPT_COST", "4"),
            ("LOG_FORMAT", "json"),
            ("RATE_LIMIT_AUTH_PER_ADDRESS", "10000/60s"),
            ("RATE_LIMIT_AUTH_PER_ACCOUNT", "10000/60s"),
        ];
        let server = ServerOptions::new(self.trireme()).env("DATABASE_URL", database_url);
        VARIABLES
            .iter()
            .chain(variables)
            .fold(server, |server, (name, value)| server.env(*name, *value))
    }
}

impl Target {
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// Registers an account; gives its access token.
    pub fn register(&self, email: &str) -> Result<String> {
        let body = format!(r#"{{"email":"{email}","password":"correct horse battery"}}"#);
        let answer = http::post(self.port(), "/api/v1/auth/register", "", &body)?;
        expect(answer.status == 201, || format!("registering gave {answer:?}"))?;
        text_of(&answer, "access_token")
    }

    /// What the process holds in memory, in bytes (Linux).
    pub fn resident(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kilobytes
            .ok_or("the system does not tell how much memory a process has")?
            .parse::<u64>()?
            << 10)
    }
}

/// The error of a bound that was broken.
pub fn expect(holds: bool, broken: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(broken().into()) }
}

/// A text of a JSON object's.
pub fn text_of(answer: &http::Answer, field: &str) -> Result<String> {
    let body: serde_json::Value = serde_json::from_str(&answer.body)?;
    let text = body[field].as_str().ok_or_else(|| format!("no {field} in {answer:?}"))?;
    Ok(text.to_owned())
}

/// Makes all attacks, each on a server of its own, and prints how each went.
pub fn run() -> Result<()> {
    let programs = Programs::build(&[Host::Native], Profile::Debug, false)?;
    let ground = Ground { programs, postgres: Postgres::start()? };
    let mut broken = 0;
    let rows: Vec<_> = all()
        .map(|attack| {
            let begun = Instant::now();
            eprintln!("{}", attack.name);
            let (measured, verdict) = match (attack.run)(&ground) {
                Ok(measured) => (measured, "held"),
                Err(error) => {
                    broken += 1;
                    (error.to_string(), "BROKEN")
                }
            };
            let seconds = ui::seconds(begun.elapsed());
            [attack.name, attack.bound, &measured, verdict, &seconds].map(str::to_owned)
        })
        .collect();
    eprint!("\n{}", ui::table(["attack", "bound", "measured", "result", "seconds"], &rows));
    expect(broken == 0, || format!("{broken} of {} attacks broke their bound", rows.len()))
}
