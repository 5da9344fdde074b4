//! What strangers take of memory, time and places.

use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use trireme_testbed::http2::Http2;
use trireme_testbed::{Server, Signal, http};

use super::{Attack, Ground, Target, expect};
use crate::Result;

pub const ALL: &[Attack] = &[
    Attack {
        name: "lists of 4 MB that nobody reads, 200 streams of HTTP/2",
        bound: "MEMORY_BUDGET_BYTES (32 MiB) and 96 MB; others are answered",
        run: unread,
    },
    Attack {
        name: "480 streams that log in with a megabyte each",
        bound: "32 MB; the address is counted first",
        run: large_credentials,
    },
    Attack {
        name: "8 clients that have lists of 4 MB compressed",
        bound: "/health/live in 100 ms, in the middle",
        run: compressed,
    },
    Attack {
        name: "300 connections of one address that begin a request",
        bound: "CONNECTIONS_PER_ADDRESS (20); health in 1 s, others as ever",
        run: crowd,
    },
    Attack {
        name: "SIGTERM while nobody reads the output",
        bound: "SHUTDOWN_GRACE_SECONDS (3), exit code 0",
        run: deaf,
    },
];

const LIST: &str = "/api/v1/tasks?limit=100";

/// An account whose list is 4 MB long; its token.
fn with_long_list(target: &Target) -> Result<String> {
    let token = target.register("long@example.com")?;
    let text: String =
        (0..10_000_u32).filter_map(|n| char::from_u32(0x1_F300 + n * 7919 % 512)).collect();
    let task = format!(r#"{{"title":"long","description":"{text}"}}"#);
    for _ in 0..100 {
        let made = http::post(target.port(), "/api/v1/tasks", &token, &task)?;
        expect(made.status == 201, || format!("creating a task gave {}", made.status))?;
    }
    Ok(token)
}

fn is_live(target: &Target) -> Result<Duration> {
    let begun = Instant::now();
    let live = http::get(target.port(), "/health/live")?;
    expect(live.status == 200, || format!("/health/live is {live:?}"))?;
    Ok(begun.elapsed())
}

fn unread(ground: &Ground) -> Result<String> {
    let target = ground.on_postgres(&[("MEMORY_BUDGET_BYTES", "33554432")])?;
    let token = with_long_list(&target)?;
    let before = target.resident()?;
    let authorization = format!("Bearer {token}");
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client = Http2::connect(target.port(), 0)?;
        for _ in 0..100 {
            client.open("GET", LIST, &[("authorization", &authorization)], false)?;
        }
        clients.push(client);
    }
    let (begun, mut most, mut answered) = (Instant::now(), 0, false);
    while begun.elapsed() < Duration::from_secs(6) {
        most = most.max(target.resident()?.saturating_sub(before));
        is_live(&target)?;
        let me = http::get_with(target.port(), "/api/v1/users/me", &token)?;
        answered |= me.status == 200;
        thread::sleep(Duration::from_millis(50));
    }
    let most = most / 1_000_000;
    expect(most < 130, || format!("{most} MB"))?;
    expect(answered, || "nobody else was answered".to_owned())?;
    Ok(format!("{most} MB"))
}

fn large_credentials(ground: &Ground) -> Result<String> {
    let target = ground.sqlite(&[("RATE_LIMIT_AUTH_PER_ADDRESS", "60/60s")])?;
    let before = target.resident()?;
    let headers = [("content-type", "application/json"), ("content-length", "1048576")];
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = Http2::connect(target.port(), 1 << 20)?;
        for _ in 0..120 {
            // A server that ends the connection has had enough, which is as good.
            let stream = client.open("POST", "/api/v1/auth/login", &headers, true);
            if stream.and_then(|stream| client.data(stream, &[b'x'; 1000], true)).is_err() {
                break;
            }
        }
        clients.push(client);
    }
    thread::sleep(Duration::from_secs(1));
    let grown = target.resident()?.saturating_sub(before) / 1_000_000;
    is_live(&target)?;
    expect(grown < 32, || format!("{grown} MB"))?;
    Ok(format!("{grown} MB"))
}

fn compressed(ground: &Ground) -> Result<String> {
    let target = ground.sqlite(&[])?;
    let token = with_long_list(&target)?;
    let until = Instant::now() + Duration::from_secs(4);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while Instant::now() < until {
                    let gzip = "Accept-Encoding: gzip\r\n";
                    let _ = http::get_more(target.port(), LIST, &token, gzip);
                }
            });
        }
        let mut times = Vec::new();
        while Instant::now() < until {
            times.push(is_live(&target)?);
            thread::sleep(Duration::from_millis(5));
        }
        times.sort();
        let middle = times[times.len() / 2].as_millis();
        expect(middle < 100, || format!("{middle} ms"))?;
        Ok(format!("{middle} ms"))
    })
}

fn crowd(ground: &Ground) -> Result<String> {
    let target = ground.sqlite(&[("CONNECTIONS_PER_ADDRESS", "20")])?;
    let begin = || {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, target.port()))?;
        std::io::Write::write_all(&mut stream, b"GET / HTTP/1.1\r\n")?;
        std::io::Result::Ok(stream)
    };
    let mut held = (0..300).map(|_| begin()).collect::<std::io::Result<Vec<_>>>()?;
    let took = is_live(&target)?;
    expect(took < Duration::from_secs(1), || format!("/health/live took {took:?}"))?;
    // Who has begun is busy once the server has read it; until then one more takes an idle one's
    // place, and leaves it to the next.
    let until = Instant::now() + Duration::from_secs(3);
    loop {
        let answer = http::get(target.port(), "/.well-known/jwks.json")?;
        if answer.status == 503 {
            return Ok(format!("{} ms", took.as_millis()));
        }
        expect(Instant::now() < until, || format!("one more was answered {answer:?}"))?;
        held.push(begin()?);
        thread::sleep(Duration::from_millis(20));
    }
}

fn deaf(ground: &Ground) -> Result<String> {
    let variables = [("LOG_LEVEL", "trace"), ("SHUTDOWN_GRACE_SECONDS", "3")];
    let options = ground.options("sqlite://trireme.sqlite3", &variables);
    let mut server = Server::start(options.deaf(true))?;
    // More than a pipe holds.
    for _ in 0..400 {
        http::get(server.port(), "/nowhere")?;
    }
    let begun = Instant::now();
    server.signal(Signal::TERM)?;
    let status = server.wait_exit(Duration::from_secs(8))?;
    let took = begun.elapsed();
    expect(status.code() == Some(0), || format!("it ended with {status}"))?;
    expect(took < Duration::from_secs(4), || format!("it took {took:?}"))?;
    Ok(format!("{:.1} s", took.as_secs_f32()))
}
