//! Bodies that are far too large, or never end, are answered on an edge host as well.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use super::faults::{TASKS, register};
use crate::Result;

/// Far over the limit of a mebibyte, within what is taken off the wire for the answer's sake.
const HUGE: usize = 12 << 20;

pub fn check(port: u16) -> Result<()> {
    let token = register(port, "bodies@example.com")?;
    for (token, due) in [(token.as_str(), "413"), ("", "401")] {
        let mut stream = begin(port, token, HUGE)?;
        let piece = vec![b' '; 64 << 10];
        for _ in 0..HUGE / piece.len() {
            // Many clients read nothing once they can't send.
            stream
                .write_all(&piece)
                .map_err(|error| format!("a body of {HUGE} bytes breaks off: {error}"))?;
        }
        let status = status(&mut stream);
        if status != due {
            return Err(format!("a body of {HUGE} bytes is answered {status:?}, not {due}").into());
        }
    }
    Ok(())
}

/// Sends a byte now and then for as long as it takes, half a minute, while others go on.
pub fn trickle(port: u16) -> JoinHandle<std::result::Result<(), String>> {
    let trickle = move || {
        let token = register(port, "trickle@example.com")?;
        let mut stream = begin(port, &token, 1000)?;
        let mut sending = stream.try_clone()?;
        let begun = Instant::now();
        thread::spawn(move || {
            while begun.elapsed() < Duration::from_secs(60) && sending.write_all(b" ").is_ok() {
                sleep(Duration::from_millis(500));
            }
        });
        let status = status(&mut stream);
        if status == "408" && begun.elapsed() > Duration::from_secs(25) {
            return Ok(());
        }
        Err(format!("a body that trickles is answered {status:?} after {:?}", begun.elapsed())
            .into())
    };
    thread::spawn(move || {
        let trickled: Result<()> = trickle();
        trickled.map_err(|error| error.to_string())
    })
}

/// The head of a request whose body is announced by its length.
fn begin(port: u16, token: &str, length: usize) -> Result<TcpStream> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.set_write_timeout(Some(Duration::from_secs(10)))?;
    let token =
        if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    write!(
        stream,
        "POST {TASKS} HTTP/1.1\r\nHost: localhost:{port}\r\n{token}Content-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    )?;
    Ok(stream)
}

/// Of the answer; empty when the connection ended without one.
pub fn status(stream: &mut TcpStream) -> String {
    let mut head = [0; 12];
    let mut read = 0;
    while read < head.len() {
        match stream.read(&mut head[read..]) {
            Ok(0) | Err(_) => break,
            Ok(more) => read += more,
        }
    }
    String::from_utf8_lossy(&head[..read]).rsplit(' ').next().unwrap_or_default().to_owned()
}
