//! What hyper gets in place of a head that is refused.

use std::mem::MaybeUninit;

use httparse::Header;

use super::is_target;

/// What is told of a refused request besides its target: where its answer has to go, and what the
/// log names it by.
const TOLD: [&[u8]; 6] =
    [b"host", b"origin", b"x-request-id", b"x-forwarded-for", b"x-forwarded-proto", b"forwarded"];
/// Longer lines are left out, and so are all before the last ones: proxies write theirs last.
const TOLD_BYTES: usize = 4 << 10;
const TOLD_LINES: usize = 16;

/// A request that hyper can read, with as much of the refused one as can be told: method and
/// target, else `GET *`, and some headers. Without a body, whatever the other had.
pub fn stand_in(head: &[u8]) -> Vec<u8> {
    let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; 1];
    let mut request = httparse::Request::new(&mut []);
    // It fails, but not before it has read what there is to be read.
    let _ = request.parse_with_uninit_headers(head, &mut headers);
    let target = request.path.filter(|target| is_target(target) && target.len() <= TOLD_BYTES);
    let line = match (request.method, target) {
        // A tunnel is no answer.
        (Some(method), Some(target)) if method != "CONNECT" => format!("{method} {target}"),
        // The answer to it has no body.
        (Some("HEAD"), _) => "HEAD *".to_owned(),
        _ => "GET *".to_owned(),
    };
    let mut text = format!("{line} HTTP/1.1\r\n").into_bytes();
    let lines = head.trim_ascii_start().split(|byte| *byte == b'\n').skip(1);
    let lines = lines.map(<[u8]>::trim_ascii_end);
    // What follows the head is its body, and anybody's.
    let mut told: Vec<_> = lines.take_while(|line| !line.is_empty()).filter(is_told).collect();
    for line in told.split_off(told.len().saturating_sub(TOLD_LINES)) {
        text.extend_from_slice(line);
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
    text
}

fn is_told(line: &&[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    name.len() < line.len()
        && line.len() <= TOLD_BYTES
        && TOLD.iter().any(|told| told.eq_ignore_ascii_case(name))
        && line.iter().all(|byte| *byte == b'\t' || !byte.is_ascii_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A proxy writes its line last, and what it does not take for a header it does not check.
    #[test]
    fn nothing_that_a_client_sends_hides_it_in_a_stand_in() {
        let proxy = "X-Forwarded-For: 192.0.2.7\r\n";
        let line = "X-Forwarded-For: 6.6.6.6\r\n";
        let told = |lines: &str| {
            let bytes: Vec<_> = format!("GET / HTTP/1.1\r\nContent-Length: x\r\n{lines}")
                .chars()
                .map(|letter| letter as u8)
                .collect();
            let passed: String = stand_in(&bytes).into_iter().map(char::from).collect();
            passed.strip_prefix("GET / HTTP/1.1\r\n").unwrap().to_owned()
        };
        for body in [line, "\tX-Request-Id: 6\r\n", "Origin: https://evil.example\r\n"] {
            assert_eq!(told(&format!("{proxy}\r\n{body}\r\n")), format!("{proxy}\r\n"));
            assert_eq!(told(&format!("{proxy}\n{body}\r\n")), format!("{proxy}\r\n"));
        }
        let folded = told(&format!("{proxy}X: y\r\n {line}\tX-Request-Id: 6\r\n\r\n"));
        assert_eq!(folded, format!("{proxy}\r\n"));
        let behind = format!("\r\n\n\r\nGET / HTTP/1.1\r\nContent-Length: x\r\n{proxy}\r\n");
        assert_eq!(
            stand_in(behind.as_bytes()),
            format!("GET / HTTP/1.1\r\n{proxy}\r\n").as_bytes()
        );
        let many = told(&format!("{}{proxy}\r\n", line.repeat(40)));
        assert_eq!(many, format!("{}{proxy}\r\n", line.repeat(TOLD_LINES - 1)));
        for sent in ["\u{ff}, ", "\t, ", &"1.1.1.1, ".repeat(60)] {
            let line = format!("X-Forwarded-For: {sent}192.0.2.7\r\n");
            assert_eq!(told(&format!("{line}\r\n")), format!("{line}\r\n"), "{sent:?}");
        }
    }
}
