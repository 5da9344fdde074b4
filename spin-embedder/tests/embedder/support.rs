use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::Once;

use trireme_testbed::{Database, Folder, Postgres, REQUIRE_ALL, Server, ServerOptions};

/// Names the probe: the component that spin-embedder/probe becomes. Tests that need it are left out when
/// it is not set.
const PROBE: &str = "TRIREME_TEST_SPIN_PROBE";

pub const BINARY: &str = env!("CARGO_BIN_EXE_spin-embedder");

pub const MANIFEST: &str = r#"
    spin_manifest_version = 2

    [application]
    name = "probe"
    version = "1.2.3"

    [variables]
    database_url = { required = true, secret = true }
    greeting = { default = "hello" }

    [[trigger.http]]
    route = "/..."
    component = "probe"

    [component.probe]
    source = "nowhere.wasm"
    allowed_outbound_hosts = ["postgres://127.0.0.1:*"]
    key_value_stores = ["default"]
    sqlite_databases = ["default"]

    [component.probe.variables]
    database_url = "{{ database_url }}"
    greeting = "{{ greeting }}, world"
"#;

pub struct Probe {
    server: Server,
    pub database: Database,
    _folder: Folder,
}

impl Probe {
    /// `None` when the machine lacks what it takes, and nobody insists on it.
    pub fn start() -> Option<Self> {
        let component = component()?;
        let postgres = trireme_testbed::require(Postgres::shared())?;
        let database = Database::create(postgres).unwrap();
        let folder = Folder::new().unwrap();
        let manifest = folder.path().join("spin.toml");
        std::fs::write(&manifest, MANIFEST).unwrap();
        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let arguments = [
            "up".to_owned(),
            format!("--from={}", manifest.display()),
            format!("--component={component}"),
            format!("--listen=127.0.0.1:{port}"),
            format!("--sqlite=default={}", folder.path().join("data.db").display()),
        ];
        let options = ServerOptions::new(BINARY)
            .arguments(arguments)
            .env("SPIN_VARIABLE_DATABASE_URL", database.url())
            .env("HOME", std::env::var("HOME").unwrap_or_default())
            .port(port);
        Some(Self { server: Server::start(options).unwrap(), database, _folder: folder })
    }

    pub fn port(&self) -> u16 {
        self.server.port()
    }

    pub fn log(&self) -> String {
        self.server.log()
    }

    /// What the probe answers to a script of a command a line.
    pub fn run(&self, script: &str) -> Vec<String> {
        let answer = self.post(script);
        assert_eq!(answer.status, 200, "{}", self.log());
        answer.body.lines().map(ToOwned::to_owned).collect()
    }

    pub fn post(&self, script: &str) -> trireme_testbed::http::Answer {
        trireme_testbed::http::post(self.port(), "/", "", script).unwrap()
    }
}

fn component() -> Option<String> {
    static TOLD: Once = Once::new();
    if let Ok(path) = std::env::var(PROBE) {
        assert!(Path::new(&path).is_file(), "{PROBE} names {path}, which is not there");
        return Some(path);
    }
    let line = format!(
        "left out: the tests with a component; build spin-embedder/probe for wasm32-wasip2 and name the file by {PROBE}\n"
    );
    assert!(std::env::var_os(REQUIRE_ALL).is_none(), "{line}");
    TOLD.call_once(|| {
        // Past the capture of passing tests' output.
        let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
    });
    None
}
