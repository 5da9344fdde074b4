//! What a text costs depends on its length, not on its letters.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use trireme_testbed::http;

use super::bodies::status;
use super::faults::{TASKS, expect, register};
use crate::Result;

/// A mebibyte and a half of each in a list, all of which is read and written.
const TEXTS: usize = 40;
const LETTERS: usize = 10_000;
/// Of a difference in kind, not of degree: it was thirty times before.
const AT_MOST: u32 = 6;

pub fn check(port: u16) -> Result<()> {
    let [plain, beyond] = [('x', "plain"), ('\u{1d504}', "beyond")].map(|(letter, name)| {
        let token = register(port, &format!("{name}@example.com"))?;
        let description = letter.to_string().repeat(LETTERS);
        for _ in 0..TEXTS {
            let task = format!(r#"{{"title":"long","description":"{description}"}}"#);
            let made = http::post(port, TASKS, &token, &task)?;
            expect(made.status == 201, "a long text is taken", &made)?;
        }
        quickest(port, &token)
    });
    let (plain, beyond) = (plain?, beyond?);
    // Four bytes a letter, and one.
    let bearable = (plain * 4 * AT_MOST).max(Duration::from_millis(300));
    if beyond > bearable {
        return Err(format!(
            "a list of {TEXTS} long texts takes {plain:?} in ASCII, and {beyond:?} beyond the first plane"
        )
        .into());
    }
    Ok(())
}

/// Until the answer begins, which is when it was made.
fn quickest(port: u16, token: &str) -> Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let begun = Instant::now();
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        write!(
            stream,
            "GET {TASKS}?limit=100 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Authorization: Bearer {token}\r\n\r\n"
        )?;
        let status = status(&mut stream);
        best = best.min(begun.elapsed());
        if status != "200" {
            return Err(format!("a list of long texts is answered {status:?}").into());
        }
    }
    Ok(best)
}
