//! What a platform starts by itself: on Workers, maintenance by the cron trigger. serve.mjs pulls
//! it at SIGUSR2.

use std::time::{Duration, Instant};

use serde_json::Value;
use trireme_testbed::{Signal, http};

use super::faults::expect;
use crate::Result;
use crate::cell::Running;

/// A session that was ended is swept by a run, which says so in the log.
pub fn check(running: &mut Running) -> Result<()> {
    let port = running.server.port();
    let body = r#"{"email":"triggers@example.com","password":"a long enough passphrase"}"#;
    let answer = http::post(port, "/api/v1/auth/register", "", body)?;
    expect(answer.status == 201, "an account is made", &answer)?;
    let refresh = serde_json::from_str::<Value>(&answer.body)?["refresh_token"].take();
    let body = format!("{{\"refresh_token\":{refresh}}}");
    let answer = http::post(port, "/api/v1/auth/logout", "", &body)?;
    expect(answer.status == 204, "its session is ended", &answer)?;

    running.server.signal(Signal::USR2)?;
    let begun = Instant::now();
    let log = loop {
        let log = running.server.log();
        if log.contains("scheduled: ") {
            break log;
        }
        if begun.elapsed() > Duration::from_secs(30) {
            return Err("the cron trigger gave no outcome".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let swept =
        log.lines().any(|line| line.contains("\"ended_sessions\"") && line.contains("rows"));
    if !log.contains("scheduled: ok") || !swept {
        return Err(format!("not kept: the cron trigger sweeps ended sessions\n{log}").into());
    }
    Ok(())
}
