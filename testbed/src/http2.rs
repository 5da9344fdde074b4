//! HTTP/2 in its frames, for clients that do what no library would (RFC 9113).

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;

/// On SETTINGS and PING: the answer to one.
const ACK: u8 = 1;
/// On DATA and HEADERS.
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `SETTINGS_INITIAL_WINDOW_SIZE`.
const INITIAL_WINDOW: u16 = 4;

/// A connection to 127.0.0.1 that reads only when it is told to.
pub struct Http2 {
    stream: TcpStream,
    next: u32,
}

/// What a server sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// As in RFC 9113, section 6: 0 DATA, 1 HEADERS, 3 RST_STREAM, 7 GOAWAY.
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Http2 {
    /// With prior knowledge. The server may send `window` bytes of each answer until
    /// [`Http2::allow`] gives it more; of all together, two gigabytes.
    pub fn connect(port: u16, window: u32) -> io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut client = Self { stream, next: 1 };
        client.stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
        let mut setting = INITIAL_WINDOW.to_be_bytes().to_vec();
        setting.extend(window.to_be_bytes());
        client.send(SETTINGS, 0, 0, &setting)?;
        client.allow(0, i32::MAX as u32 - 65_535)?;
        Ok(client)
    }

    /// Opens a stream, and gives its number. Header names are in lower case; without `more`, the
    /// request has no body.
    pub fn open(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        more: bool,
    ) -> io::Result<u32> {
        let stream = self.next;
        self.next += 2;
        let mut block = Vec::new();
        // `:authority`, `:method`, `:path` and `:scheme` by their names in the static table.
        for (name, value) in [(1, "localhost"), (2, method), (4, path), (6, "http")] {
            block.push(name);
            text(&mut block, value);
        }
        for (name, value) in headers {
            block.push(0);
            text(&mut block, name);
            text(&mut block, value);
        }
        let end = if more { 0 } else { END_STREAM };
        self.send(HEADERS, END_HEADERS | end, stream, &block)?;
        Ok(stream)
    }

    /// Sends a part of a body, of 16 KiB at most.
    pub fn data(&mut self, stream: u32, bytes: &[u8], more: bool) -> io::Result<()> {
        self.send(DATA, if more { 0 } else { END_STREAM }, stream, bytes)
    }

    /// Lets the server send so many bytes more; of all streams together for stream 0.
    pub fn allow(&mut self, stream: u32, bytes: u32) -> io::Result<()> {
        self.send(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes())
    }

    pub fn ping(&mut self) -> io::Result<()> {
        self.send(PING, 0, 0, &[0; 8])
    }

    /// The next frame; what settings and pings ask for is answered on the way.
    pub fn frame(&mut self) -> io::Result<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head)?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.stream.read_exact(&mut payload)?;
        if matches!(kind, SETTINGS | PING) && flags & ACK == 0 {
            let answer = if kind == PING { &payload[..] } else { &[] };
            self.send(kind, ACK, 0, answer)?;
        }
        Ok(Frame { kind, flags, stream: u32::from_be_bytes(stream) & 0x7fff_ffff, payload })
    }

    fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        let length = (payload.len() as u32).to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.stream.write_all(&frame)
    }
}

/// A text of HPACK, not compressed (RFC 7541, section 5.2).
fn text(block: &mut Vec<u8>, text: &str) {
    let mut length = text.len();
    if length < 127 {
        block.push(length as u8);
    } else {
        block.push(127);
        length -= 127;
        while length >= 128 {
            block.push(128 | (length % 128) as u8);
            length /= 128;
        }
        block.push(length as u8);
    }
    block.extend(text.as_bytes());
}
