//! What is sent past every client library, and who claims to have sent it.

use trireme_testbed::{Error, Server, http};

use super::{Attack, Ground, Target, expect};
use crate::Result;

pub const ALL: &[Attack] = &[
    Attack {
        name: "heads that can't be read",
        bound: "a problem document each, with an id; the log has address and id",
        run: unreadable_heads,
    },
    Attack {
        name: "a byte beyond ASCII before the forwarded address",
        bound: "the attacker is counted, not the proxy",
        run: hidden_client,
    },
    Attack {
        name: "a name on the Internet that leads to a server without authentication",
        bound: "400; on the network it does not start",
        run: rebinding,
    },
    Attack {
        name: "a name that steers the terminal of who lists it",
        bound: "422",
        run: steering_name,
    },
    Attack { name: "a probe of HTTP/1.0 without Host", bound: "200", run: old_probe },
];

fn unreadable_heads(ground: &Ground) -> Result<String> {
    let target = ground.sqlite(&[])?;
    let many = "a: b\r\n".repeat(101);
    let large = "b".repeat(70_000);
    let heads = [
        "GET /<> HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET / HTTP/9\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"),
        format!("GET / HTTP/1.1\r\nHost: a\r\na: {large}\r\n\r\n"),
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
            .to_owned(),
    ];
    for head in &heads {
        let answer = http::raw(target.port(), head.as_bytes())?.to_lowercase();
        let id = answer.split("\r\nx-request-id: ").nth(1).and_then(|rest| rest.lines().next());
        let refused = ["http/1.1 400", "http/1.1 431"].iter().any(|it| answer.starts_with(it));
        let problem = refused && answer.contains("\r\ncontent-type: application/problem+json");
        let (true, Some(id)) = (problem, id) else {
            return Err(format!("{} was answered {answer}", &head[..head.len().min(40)]).into());
        };
        expect(is_logged(&target, id), || format!("no record of {id}"))?;
    }
    Ok(format!("{} heads, {} documents", heads.len(), heads.len()))
}

/// The log is written on its way, so it may take a moment.
fn is_logged(target: &Target, id: &str) -> bool {
    let told = |line: &str| line.contains(id) && line.contains(r#""address":"127.0.0.1""#);
    (0..200).any(|_| {
        let logged = target.server.log().lines().any(told);
        if !logged {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        logged
    })
}

fn hidden_client(ground: &Ground) -> Result<String> {
    let target = ground
        .sqlite(&[("TRUSTED_PROXIES", "loopback"), ("RATE_LIMIT_AUTH_PER_ADDRESS", "3/60s")])?;
    let attempt = |client: &str| -> Result<String> {
        let body = r#"{"refresh_token":"x"}"#;
        let mut request = b"POST /api/v1/auth/refresh HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
            Content-Type: application/json\r\nX-Forwarded-For: \xff"
            .to_vec();
        let rest = format!(", {client}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        request.extend_from_slice(rest.as_bytes());
        let answer = http::raw(target.port(), &request)?;
        Ok(answer.split(' ').nth(1).unwrap_or_default().to_owned())
    };
    let attacker = (0..4).map(|_| attempt("203.0.113.9")).collect::<Result<Vec<_>>>()?;
    expect(attacker == ["401", "401", "401", "429"], || format!("answered {attacker:?}"))?;
    let other = attempt("203.0.113.10")?;
    expect(other == "401", || format!("somebody else was answered {other}"))?;

    let open = ground.options("sqlite://trireme.sqlite3", &[("TRUSTED_PROXIES", "0.0.0.0/0")]);
    does_not_start(Server::start(open), "TRUSTED_PROXIES")?;
    Ok("429 to the attacker alone; 0.0.0.0/0 does not start".to_owned())
}

fn rebinding(ground: &Ground) -> Result<String> {
    let target = ground.sqlite(&[("AUTH_REQUIRED", "false")])?;
    for host in ["evil.example", "evil.example:8000", "192.0.2.1"] {
        let request = format!(
            "GET /api/v1/tasks HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: close\r\n\r\n"
        );
        let answer = http::raw(target.port(), request.as_bytes())?;
        expect(answer.starts_with("HTTP/1.1 400"), || format!("{host} was answered {answer}"))?;
    }
    let own = http::get(target.port(), "/api/v1/tasks")?;
    expect(own.status == 200, || format!("localhost was answered {own:?}"))?;
    let open = [("AUTH_REQUIRED", "false"), ("BIND", "0.0.0.0")];
    does_not_start(Server::start(ground.options("sqlite://trireme.sqlite3", &open)), "BIND")?;
    Ok("400 under foreign names, 78 on the network".to_owned())
}

fn does_not_start(started: trireme_testbed::Result<Server>, variable: &str) -> Result<()> {
    match started {
        Err(Error::Exited { status, log, .. }) => {
            let told = status.code() == Some(78) && log.contains(variable);
            expect(told, || format!("it ended with {status}: {log}"))
        }
        Ok(_) => Err("it started".into()),
        Err(other) => Err(other.into()),
    }
}

fn steering_name(ground: &Ground) -> Result<String> {
    let target = ground.sqlite(&[])?;
    let names = ["\\u001b]0;owned\\u0007", "\\u009b31m", "a\\u007f", " ", "\\u3164"];
    for name in names {
        let body = format!(
            r#"{{"email":"eve@example.com","password":"correct horse battery","name":"{name}"}}"#
        );
        let answer = http::post(target.port(), "/api/v1/auth/register", "", &body)?;
        let refused = answer.status == 422 && answer.body.contains("invalid_text");
        expect(refused, || format!("{name} was answered {answer:?}"))?;
    }
    Ok(format!("{} names refused", names.len()))
}

fn old_probe(ground: &Ground) -> Result<String> {
    let target = ground.sqlite(&[("ALLOWED_HOSTS", "api.example.com")])?;
    let answer = http::raw(target.port(), b"GET /health/ready HTTP/1.0\r\n\r\n")?;
    expect(answer.split(' ').nth(1) == Some("200"), || format!("answered {answer}"))?;
    Ok("200".to_owned())
}
