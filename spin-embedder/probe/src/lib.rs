//! A Spin component that does what it is asked to: a request's body is a script of one command a line,
//! and the answer has one line or more for each. It exists to show what a Spin host does with
//! connections, types, panics and concurrent requests.
#![cfg(target_family = "wasm")]

mod postgres;
mod sqlite;

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use spin_sdk::http::body::IncomingBodyExt as _;
use spin_sdk::http::{Error, IntoResponse, Request};
use spin_sdk::{http_service, key_value, redis, variables};

/// Statics are an instance's: requests that see each other here share one.
static SERVED: AtomicU32 = AtomicU32::new(0);
static UNDER_WAY: AtomicU32 = AtomicU32::new(0);

#[http_service]
async fn serve(request: Request) -> Result<impl IntoResponse, Error> {
    let served = SERVED.fetch_add(1, Ordering::Relaxed) + 1;
    let under_way = UNDER_WAY.fetch_add(1, Ordering::Relaxed) + 1;
    let (head, body) = request.into_parts();
    let script = body.bytes().await?;
    let mut session = Session::default();
    match head.uri.path() {
        "/headers" => {
            for (name, value) in &head.headers {
                session.say(format_args!("{name}: {}", value.to_str().unwrap_or("?")));
            }
        }
        "/instance" => session.say(format_args!("served {served} under way {under_way}")),
        _ => {}
    }
    for line in String::from_utf8_lossy(&script).lines() {
        session.run(line.trim()).await;
    }
    UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
    // With a length, or it would come in chunks, and the tests' client is a simple one.
    let length = session.answer.len();
    Ok(http::Response::builder()
        .header(http::header::CONTENT_LENGTH, length)
        .body(session.answer)?)
}

/// What one script has opened, and what it has said.
#[derive(Default)]
struct Session {
    postgres: Option<spin_sdk::pg::Connection>,
    sqlite: Option<spin_sdk::sqlite::Connection>,
    answer: String,
}

impl Session {
    fn say(&mut self, line: impl std::fmt::Display) {
        // An error's text may have several lines: host backtraces, for one.
        let line = line.to_string();
        let _ = writeln!(self.answer, "{}", line.lines().next().unwrap_or_default());
    }

    async fn run(&mut self, line: &str) {
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        match command {
            "" => {}
            "panic" => panic!("{rest}"),
            "print" => {
                println!("{rest}");
                eprintln!("{rest}");
            }
            "sleep" => {
                spin_sdk::time::sleep(Duration::from_millis(rest.parse().unwrap_or(0))).await;
            }
            "under-way" => self.say(UNDER_WAY.load(Ordering::Relaxed)),
            "variable" => {
                let value = variables::get(rest).await;
                self.say(format_args!("{value:?}"));
            }
            "redis" => drop(redis::Connection::open(rest).await),
            "open" => self.open_postgres(rest).await,
            "close" => self.postgres = None,
            "execute" | "query" => self.postgres(command, rest).await,
            "sqlite-open" => self.open_sqlite(rest).await,
            "sqlite-close" => self.sqlite = None,
            "sqlite" | "sqlite-forget" => self.sqlite(command, rest).await,
            "set" | "get" | "delete" | "keys" => self.key_value(command, rest).await,
            other => self.say(format_args!("no such command: {other}")),
        }
    }

    async fn key_value(&mut self, command: &str, rest: &str) {
        let result = key_value(command, rest).await;
        self.say(format_args!("{result:?}"));
    }
}

async fn key_value(command: &str, rest: &str) -> Result<String, key_value::Error> {
    let mut words = rest.split(' ');
    let mut word = || words.next().unwrap_or_default();
    let store = key_value::Store::open(word()).await?;
    let key = word();
    match command {
        "set" => store.set(key, word()).await.map(|()| String::new()),
        "delete" => store.delete(key).await.map(|()| String::new()),
        "keys" => store.get_keys().await.collect().await.map(|it| it.join(" ")),
        _ => {
            let text = |it: Vec<u8>| String::from_utf8_lossy(&it).into_owned();
            store.get(key).await.map(|it| it.map_or("nothing".to_owned(), text))
        }
    }
}
