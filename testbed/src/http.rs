//! Just enough HTTP/1.1 to ask a server on this machine whether it is ready, and to give a
//! benchmark its first records.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// Status and body; headers are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// One GET to 127.0.0.1 on a connection of its own, given up after five seconds of silence.
pub fn get(port: u16, path: &str) -> io::Result<Answer> {
    exchange(port, &format!("GET {path}"), "", "")
}

/// One POST of JSON, with an access token unless that is empty.
pub fn post(port: u16, path: &str, token: &str, json: &str) -> io::Result<Answer> {
    post_with(port, path, token, "", json)
}

/// The same with more headers, each ended by `\r\n`.
pub fn post_with(port: u16, path: &str, token: &str, more: &str, json: &str) -> io::Result<Answer> {
    let headers = format!(
        "{}{more}Content-Type: application/json\r\nContent-Length: {}\r\n",
        authorization(token),
        json.len()
    );
    exchange(port, &format!("POST {path}"), &headers, json)
}

/// One DELETE, with a body of JSON unless that is empty.
pub fn delete(port: u16, path: &str, token: &str, json: &str) -> io::Result<Answer> {
    let content = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", json.len());
    let headers = format!("{}{content}", authorization(token));
    exchange(port, &format!("DELETE {path}"), &headers, json)
}

/// One GET with an access token.
pub fn get_with(port: u16, path: &str, token: &str) -> io::Result<Answer> {
    exchange(port, &format!("GET {path}"), &authorization(token), "")
}

/// The same with more headers, each ended by `\r\n`.
pub fn get_more(port: u16, path: &str, token: &str, more: &str) -> io::Result<Answer> {
    exchange(port, &format!("GET {path}"), &(authorization(token) + more), "")
}

/// These very bytes, and all that comes back until the server closes the connection, given up after
/// five seconds of silence.
pub fn raw(port: u16, request: &[u8]) -> io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn authorization(token: &str) -> String {
    if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") }
}

fn exchange(port: u16, what: &str, headers: &str, body: &str) -> io::Result<Answer> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let head =
        format!("{what} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all((head + body).as_bytes())?;
    let mut bytes = Vec::new();
    let mut piece = [0; 16 << 10];
    // Not every server closes the connection at once.
    while !is_whole(&bytes) {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
            // A signal to this process, such as that a child has ended.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    parse(&String::from_utf8_lossy(&bytes))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP"))
}

/// Whether the body has the length that the head names, or all its chunks.
fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let value = |wanted: &str| {
        head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim())
        })
    };
    if value("transfer-encoding").is_some() {
        return body.ends_with("0\r\n\r\n");
    }
    let length = value("content-length").and_then(|length| length.parse::<usize>().ok());
    length.is_some_and(|length| body.len() >= length)
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_status_and_body() {
        let answer = parse("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno");
        assert_eq!(answer, Some(Answer { status: 503, body: "no".into() }));
    }

    #[test]
    fn knows_the_end() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n".to_vec();
        assert!(!is_whole(&head));
        assert!(is_whole(&[&head[..], b"ok"].concat()));
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\n\r\nno length: until the end"));
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n";
        assert!(!is_whole(chunked));
        assert!(is_whole(&[&chunked[..], b"0\r\n\r\n"].concat()));
    }

    #[test]
    fn refuses_what_is_not_http() {
        assert_eq!(parse("SSH-2.0-OpenSSH_9.2\r\n\r\n"), None);
        assert_eq!(parse("HTTP/1.1"), None);
    }
}
