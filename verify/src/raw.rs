//! HTTP by hand, for the few things that a client library cannot say or does not show.

use http::uri::Scheme;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Options;
use crate::outcome::{Verdict, failed, not_applicable};

/// An answer as it came over the wire, up to the end of the connection.
pub struct RawAnswer {
    pub status: u16,
    /// Everything after the empty line that ends the head.
    pub rest: Vec<u8>,
}

/// Writes the bytes to a new connection and reads until the server closes it.
///
/// `request` must ask for that by `Connection: close`. Not applicable to `https://`.
pub async fn exchange(options: &Options, title: &str, request: &str) -> Verdict<RawAnswer> {
    if options.url.scheme != Scheme::HTTP {
        return not_applicable("needs a connection without TLS");
    }
    let authority = &options.url.authority;
    let host = authority.host().trim_matches(['[', ']']);
    let talk = async {
        let mut stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = match tokio::time::timeout(options.timeout, talk).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return failed(title, "an answer", error.to_string()),
        Err(_) => return failed(title, "an answer and the connection's end", "none in time"),
    };
    match parse(&answer) {
        Some(answer) => Ok(answer),
        None => failed(title, "HTTP/1.1", String::from_utf8_lossy(&answer)),
    }
}

fn parse(answer: &[u8]) -> Option<RawAnswer> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let status = answer.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    let status = std::str::from_utf8(status).ok()?.parse().ok()?;
    Some(RawAnswer { status, rest: answer[end..].to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_head_and_body() {
        let answer = parse(b"HTTP/1.1 200 OK\r\na: b\r\n\r\nrest").unwrap();
        assert_eq!((answer.status, answer.rest.as_slice()), (200, &b"rest"[..]));
        assert!(parse(b"SSH-2.0\r\n\r\n").is_none());
    }
}
