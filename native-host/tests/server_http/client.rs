//! A client that sends exactly what it is told to.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

pub struct Client {
    pub stream: TcpStream,
    read: Vec<u8>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// In lower case, as one text.
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn closes(&self) -> bool {
        self.head.contains("\r\nconnection: close")
    }

    pub fn is_problem(&self) -> bool {
        self.head.contains("\r\ncontent-type: application/problem+json")
            && self.body.contains(&format!("\"status\":{}", self.status))
    }
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self::connect(address).expect("a connection")
    }

    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        TcpStream::connect(address).map(Self::of)
    }

    /// Over a connection that is there.
    pub fn of(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
        stream.set_nodelay(true).expect("no delay");
        Self { stream, read: Vec::new() }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// One whole answer, or why there was none.
    pub fn try_answer(&mut self) -> io::Result<Answer> {
        let end = loop {
            match self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => self.more()?,
            }
        };
        let head = String::from_utf8_lossy(&self.read[..end]).to_lowercase();
        let length = head
            .split_once("\r\ncontent-length: ")
            .map_or(0, |(_, rest)| rest.lines().next().unwrap().parse().unwrap());
        while self.read.len() < end + length {
            self.more()?;
        }
        let rest = self.read.split_off(end + length);
        let body = String::from_utf8_lossy(&self.read[end..]).into_owned();
        self.read = rest;
        Ok(Answer { status: head[9..12].parse().unwrap(), head, body })
    }

    pub fn answer(&mut self) -> Answer {
        self.try_answer().expect("an answer")
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
        self.answer()
    }

    /// Whether the server closes without another byte.
    pub fn is_closed(&mut self) -> bool {
        match self.stream.read(&mut [0; 1]) {
            Ok(length) => length == 0,
            Err(error) => {
                matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
            }
        }
    }

    fn more(&mut self) -> io::Result<()> {
        let mut bytes = [0; 16 << 10];
        match self.stream.read(&mut bytes)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            length => {
                self.read.extend_from_slice(&bytes[..length]);
                Ok(())
            }
        }
    }
}
