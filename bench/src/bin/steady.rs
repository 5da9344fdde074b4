//! A load generator that asks at a constant rate, whether answers come or not (an open loop). The
//! time of a request counts from when it was due, not from when its connection was free: a server
//! that stands still for a moment keeps all waiting who would have come in that moment.
#![expect(clippy::disallowed_methods, reason = "a load generator reads clocks and starts threads")]

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::num::NonZeroU64;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use serde::Serialize;

/// GET one URL at a constant rate, and print the times that answers took as JSON
#[derive(Parser)]
struct Arguments {
    /// `http://HOST:PORT/PATH`
    url: String,
    /// An access token
    #[arg(long)]
    token: Option<String>,
    /// Requests a second, all connections together; without it as many as there can be
    #[arg(long)]
    rate: Option<f64>,
    #[arg(long, default_value_t = 64)]
    connections: u32,
    #[arg(long, default_value_t = 5)]
    seconds: u32,
}

#[derive(Debug, PartialEq, Serialize)]
struct Times {
    requests: usize,
    requests_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    p999_ms: f64,
    max_ms: f64,
}

impl Times {
    fn of(mut all: Vec<Duration>, took: Duration) -> Self {
        all.sort_unstable();
        let at = |share: f64| {
            let index = (all.len() as f64 * share).ceil() as usize;
            all.get(index.saturating_sub(1)).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
        };
        Self {
            requests: all.len(),
            requests_per_second: all.len() as f64 / took.as_secs_f64(),
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: at(1.0),
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let whole = arguments.url.strip_prefix("http://").ok_or("the URL begins with http://")?;
    let (host, path) = whole.split_once('/').ok_or("the URL has a path")?;
    let token = arguments.token.as_ref();
    let token = token.map(|it| format!("Authorization: Bearer {it}\r\n")).unwrap_or_default();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\n{token}\r\n");

    let begun = Instant::now() + Duration::from_millis(50);
    let length = Duration::from_secs(arguments.seconds.into());
    let schedule = |connection: u32| Schedule {
        begun,
        length,
        pace: arguments.rate.map(|rate| {
            let every = Duration::from_secs_f64(f64::from(arguments.connections) / rate);
            (every, every / arguments.connections * connection)
        }),
    };
    let all = thread::scope(|scope| {
        let threads = (0..arguments.connections)
            .map(|number| (schedule(number), host, request.as_bytes()))
            .map(|(schedule, host, request)| scope.spawn(move || ask(host, request, schedule)))
            .collect::<Vec<_>>();
        let times = threads.into_iter().map(|it| it.join().expect("no client panics"));
        times.collect::<io::Result<Vec<_>>>()
    })?;
    let times = Times::of(all.concat(), begun.elapsed());
    println!("{}", serde_json::to_string(&times)?);
    Ok(())
}

/// When one connection asks.
#[derive(Clone, Copy)]
struct Schedule {
    begun: Instant,
    length: Duration,
    /// How often, and how long after the beginning first.
    pace: Option<(Duration, Duration)>,
}

impl Schedule {
    /// When the request of this number is due; `None` when that is over.
    fn due(&self, number: u32) -> Option<Instant> {
        let Some((every, first)) = self.pace else {
            let now = Instant::now().max(self.begun);
            return (now < self.begun + self.length).then_some(now);
        };
        let after = first + every * number;
        (after < self.length).then(|| self.begun + after)
    }
}

fn ask(host: &str, request: &[u8], schedule: Schedule) -> io::Result<Vec<Duration>> {
    // Or the kernel lets a thread sleep up to 50 µs longer.
    rustix::thread::set_current_timer_slack(NonZeroU64::new(1))?;
    let mut stream = TcpStream::connect(host)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut answers = BufReader::new(stream.try_clone()?);
    let mut times = Vec::new();
    for number in 0.. {
        let Some(due) = schedule.due(number) else { break };
        let now = Instant::now();
        if now > schedule.begun + schedule.length * 2 {
            return Err(io::Error::other("the server does not keep up with the rate"));
        }
        thread::sleep(due.saturating_duration_since(now));
        stream.write_all(request)?;
        take(&mut answers)?;
        times.push(due.elapsed());
    }
    Ok(times)
}

/// Reads one answer, which has to be a good one and to say its length.
fn take(answers: &mut BufReader<TcpStream>) -> io::Result<()> {
    let mut line = String::new();
    let mut length = None;
    answers.read_line(&mut line)?;
    if !line.starts_with("HTTP/1.1 2") {
        return Err(io::Error::other(format!("an answer was {line:?}")));
    }
    while line != "\r\n" {
        line.clear();
        if answers.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse::<u64>().ok();
        }
    }
    let length = length.ok_or_else(|| io::Error::other("an answer does not say its length"))?;
    io::copy(&mut answers.take(length), &mut io::sink()).map(drop)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A server that stands still for a moment at its third request.
    fn stalling(listener: &TcpListener, moment: Duration) -> io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        let mut requests = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        let mut answered = 0;
        while requests.read_line(&mut line)? > 0 {
            if line == "\r\n" {
                answered += 1;
                if answered == 3 {
                    thread::sleep(moment);
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
            }
            line.clear();
        }
        Ok(())
    }

    #[test]
    fn all_wait_who_would_have_come_while_a_server_stood_still() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let moment = Duration::from_millis(200);
        let server = thread::spawn(move || stalling(&listener, moment));
        let schedule = Schedule {
            begun: Instant::now(),
            length: Duration::from_millis(400),
            pace: Some((Duration::from_millis(10), Duration::ZERO)),
        };
        let times = ask(&host, b"GET / HTTP/1.1\r\n\r\n", schedule).unwrap();
        server.join().unwrap().unwrap();
        assert_eq!(times.len(), 40);
        // One was sent in that time, and twenty were due.
        assert!(times.iter().filter(|time| **time > moment / 2).count() >= 10, "{times:?}");
    }

    #[test]
    fn a_share_of_the_times_is_below() {
        let all = (1..=1000).rev().map(Duration::from_millis).collect();
        let expected = Times {
            requests: 1000,
            requests_per_second: 500.0,
            p50_ms: 500.0,
            p99_ms: 990.0,
            p999_ms: 999.0,
            max_ms: 1000.0,
        };
        assert_eq!(Times::of(all, Duration::from_secs(2)), expected);
    }

    #[test]
    fn requests_are_due_at_a_constant_rate() {
        let begun = Instant::now();
        let pace = Some((Duration::from_millis(10), Duration::from_millis(5)));
        let schedule = Schedule { begun, length: Duration::from_millis(30), pace };
        let due = |number| schedule.due(number).map(|due| due - begun);
        assert_eq!(due(0), Some(Duration::from_millis(5)));
        assert_eq!(due(2), Some(Duration::from_millis(25)));
        assert_eq!(due(3), None);
    }
}
