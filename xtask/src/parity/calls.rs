//! Outbound calls and work after the answer, on an edge host. The cells are built with `fault-injection`
//! for this: `X-Fault: fetch` answers what a call to `X-Fault-Url` came to, `later` makes it after.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use trireme_testbed::http::{self, Answer};

use super::faults::{TASKS, expect};
use crate::Result;
use crate::cell::{Cell, Host};

/// What Spin's cells may call; another name of this machine they may not.
pub const MAY_BE_CALLED: (&str, &str) = ("OUTBOUND_HOSTS", "http://127.0.0.1:*");

pub fn check(cell: Cell, port: u16) -> Result<()> {
    let (server, called, go_on) = Server::start()?;
    let url = |path| format!("http://127.0.0.1:{server}{path}");
    let dead = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    for (url, due) in [
        (url("/echo?a=b"), "200 POST /echo?a=b ping"),
        (url("/moved"), "302 "),
        (url("/announced"), "TooLarge"),
        (url("/endless"), "TooLarge"),
        (url("/drip"), "TimedOut"),
        (url("/silent"), "TimedOut"),
        (url("/broken"), "Unreachable"),
        (format!("http://127.0.0.1:{dead}/"), "Unreachable"),
        ("http://192.0.2.1/".to_owned(), "Refused"),
        ("https://user:password@127.0.0.1/".to_owned(), "Refused"),
    ] {
        let answer = ask(port, "fetch", &url)?;
        expect(answer.body == due, &format!("a call to {url} comes to {due}"), &answer)?;
    }
    if cell.host == Host::Spin {
        let answer = ask(port, "fetch", &format!("http://localhost:{server}/echo"))?;
        expect(answer.body == "Refused", "allowed_outbound_hosts is kept to", &answer)?;
    }
    while called.try_recv().is_ok() {}

    // The call is held until its reason was answered: who waits for it first waits in vain.
    let answer = ask(port, "later", &url("/held"))?;
    expect(answer.status == 202, "work after the answer does not hold it up", &answer)?;
    go_on.send(())?;
    for due in ["/held", "/held-and-after"] {
        let path = called.recv_timeout(Duration::from_secs(10));
        if path.as_deref() != Ok(due) {
            return Err(format!("work after the answer calls {due}; it was {path:?}").into());
        }
    }
    Ok(())
}

fn ask(port: u16, fault: &str, url: &str) -> io::Result<Answer> {
    let orders = format!("X-Fault: {fault}\r\nX-Fault-Url: {url}\r\n");
    http::get_more(port, TASKS, "", &orders)
}

/// Answers by the path; it tells which were asked for, and holds `/held` until it is told to go on.
struct Server {
    called: Sender<String>,
    go_on: Mutex<Receiver<()>>,
}

impl Server {
    fn start() -> io::Result<(u16, Receiver<String>, Sender<()>)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let ((called, all), (go_on, wait)) = (channel(), channel());
        let server = Arc::new(Self { called, go_on: Mutex::new(wait) });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = Arc::clone(&server);
                // An error is a client that has heard enough.
                thread::spawn(move || drop(server.answer(stream)));
            }
        });
        Ok((port, all, go_on))
    }

    fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let begin = head.len();
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
            if let Some((name, value)) = head[begin..].split_once(": ")
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let _ = self.called.send(path.to_owned());
        let ok = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
        match path {
            "/moved" => write!(
                stream,
                "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n"
            ),
            "/announced" => write!(stream, "{ok}Content-Length: 5000\r\n\r\n{}", "x".repeat(5000)),
            "/endless" => {
                write!(stream, "{ok}\r\n")?;
                loop {
                    stream.write_all(&[b'x'; 1024])?;
                }
            }
            "/drip" => {
                write!(stream, "{ok}Content-Length: 900\r\n\r\n")?;
                (0..900).try_for_each(|_| {
                    stream.write_all(b"x")?;
                    thread::sleep(Duration::from_millis(20));
                    Ok(())
                })
            }
            "/silent" => {
                thread::sleep(Duration::from_secs(10));
                Ok(())
            }
            "/broken" => write!(stream, "{ok}Content-Length: 10\r\n\r\nx"),
            _ => {
                if path == "/held" {
                    let held = self.go_on.lock().expect("one holds it");
                    let _ = held.recv_timeout(Duration::from_secs(10));
                }
                let body = format!("{method} {path} {}", String::from_utf8_lossy(&body));
                write!(stream, "{ok}Content-Length: {}\r\n\r\n{body}", body.len())
            }
        }
    }
}
