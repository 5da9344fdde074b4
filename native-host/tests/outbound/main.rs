//! Outbound calls, to a real server.
#![expect(
    clippy::disallowed_methods,
    clippy::tests_outside_test_module,
    reason = "a test of the host may start threads"
)]

mod server;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use http::{StatusCode, header};
use trireme_core::{
    config::Environment,
    http::call::{Call, FetchError},
};
use trireme_native::outbound::Outbound;

use self::server::Server;

const SHORT: Duration = Duration::from_millis(300);

/// Names as whoever sets a trap has them.
fn look_up(name: &str) -> io::Result<Vec<SocketAddr>> {
    let addresses: &[&str] = match name {
        "server.test" | "other.test" | "localhost" => &["127.0.0.1"],
        "elsewhere.localhost" => &["192.0.2.1"],
        "metadata.test" => &["169.254.169.254"],
        "mapped.test" => &["::ffff:127.0.0.1"],
        "mixed.test" => &["1.1.1.1", "127.0.0.1"],
        _ => return Err(io::Error::other("no such name")),
    };
    let address = |it: &&str| SocketAddr::new(it.parse::<IpAddr>().unwrap(), 0);
    Ok(addresses.iter().map(address).collect())
}

fn outbound(server: &Server) -> Outbound {
    Outbound::with(Environment::Development, Some(server.roots.clone()), look_up)
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

fn url(server: &Server, path: &str) -> String {
    format!("https://server.test:{}{path}", server.port)
}

#[test]
fn what_is_said_arrives_and_nothing_besides() {
    run(async {
        let server = Server::start(true);
        let call = Call::to_operators(&url(&server, "/echo?a=%20b#c"))
            .header(header::AUTHORIZATION, "Bearer x")
            .body("application/json", "{}");
        let answer = outbound(&server).fetch(call).await.unwrap();
        let text = String::from_utf8(answer.body().to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines: Vec<_> = head.lines().collect();
        lines[1..].sort_unstable();
        let host = format!("host: server.test:{}", server.port);
        let agent = concat!("user-agent: trireme/", env!("CARGO_PKG_VERSION"));
        assert_eq!(
            lines,
            [
                "POST /echo?a=%20b HTTP/1.1",
                "accept-encoding: identity",
                "authorization: Bearer x",
                "content-length: 2",
                "content-type: application/json",
                &host,
                agent,
            ]
        );
        assert_eq!(body, "{}");
    });
}

#[test]
fn connections_are_kept_and_a_redirect_is_not_followed() {
    run(async {
        let server = Server::start(true);
        let outbound = outbound(&server);
        for _ in 0..5 {
            let answer = outbound.fetch(Call::to_operators(&url(&server, "/moved"))).await.unwrap();
            assert_eq!(answer.status(), StatusCode::FOUND);
            let answer = outbound.fetch(Call::to_operators(&url(&server, "/echo"))).await.unwrap();
            assert!(!answer.body().windows(6).any(|it| it == b"cookie"));
        }
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn an_answer_has_bounds() {
    run(async {
        let server = Server::start(true);
        let outbound = outbound(&server);
        let call = |path| Call::to_operators(&url(&server, path)).within(SHORT).at_most(4999);
        let ends = async |path| outbound.fetch(call(path)).await.map(|it| it.body().len());
        for path in ["/announced", "/endless"] {
            assert_eq!(ends(path).await, Err(FetchError::TooLarge), "{path}");
        }
        assert_eq!(ends("/silent").await, Err(FetchError::TimedOut));
        let drip = call("/drip").at_most(5000);
        assert_eq!(outbound.fetch(drip).await.err(), Some(FetchError::TimedOut));
        for path in ["/broken", "/head", "/nonsense"] {
            assert!(matches!(ends(path).await, Err(FetchError::Unreachable(_))), "{path}");
        }
        assert!(ends("/echo").await.is_ok_and(|length| length > 0), "and it goes on");
    });
}

#[test]
fn a_stranger_reaches_nothing_private_by_any_name() {
    run(async {
        let server = Server::start(true);
        let outbound = outbound(&server);
        for name in ["server.test", "metadata.test", "mapped.test", "mixed.test"] {
            let url = format!("https://{name}:{}/echo", server.port);
            let refused = outbound.fetch(Call::to_strangers(&url)).await;
            assert!(matches!(refused, Err(FetchError::Refused(_))), "{name}: {refused:?}");
        }
        assert_eq!(server.connections(), 0);
        // Nor a connection that an operator's call has kept.
        outbound.fetch(Call::to_operators(&url(&server, "/echo"))).await.unwrap();
        let refused = outbound.fetch(Call::to_strangers(&url(&server, "/echo"))).await;
        assert!(matches!(refused, Err(FetchError::Refused(_))), "{refused:?}");
        let unknown = outbound.fetch(Call::to_strangers("https://unknown.test")).await;
        assert!(matches!(unknown, Err(FetchError::Unreachable(_))), "{unknown:?}");
    });
}

#[test]
fn in_the_clear_nobody_but_this_machine() {
    run(async {
        let server = Server::start(false);
        let outbound = outbound(&server);
        let url = |host| format!("http://{host}:{}/echo", server.port);
        for host in ["localhost", "127.0.0.1"] {
            let answer = outbound.fetch(Call::to_operators(&url(host))).await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
        }
        let elsewhere = outbound.fetch(Call::to_operators(&url("elsewhere.localhost"))).await;
        assert!(matches!(elsewhere, Err(FetchError::Refused(_))), "{elsewhere:?}");
    });
}

#[test]
fn a_server_proves_who_it_is() {
    run(async {
        let (server, other) = (Server::start(true), Server::start(true));
        let by_another_name = format!("https://other.test:{}/echo", server.port);
        let by_another_authority = url(&other, "/echo");
        let outbound = outbound(&server);
        for url in [by_another_name, by_another_authority] {
            match outbound.fetch(Call::to_operators(&url)).await {
                Err(FetchError::Unreachable(cause)) => {
                    assert!(cause.contains("certificate"), "{cause}");
                }
                other => panic!("{other:?}"),
            }
        }
    });
}

#[test]
fn no_error_tells_a_secret() {
    run(async {
        let server = Server::start(true);
        let outbound = outbound(&server);
        let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        for url in [
            format!("https://127.0.0.1:{dead}/secret?secret"),
            "https://secret:secret@unknown.test/secret".to_owned(),
            "https://unknown.test/secret?secret#secret".to_owned(),
            "https://unknown.test/sec ret".to_owned(),
            url(&server, "/nonsense/secret?secret"),
            url(&server, "/broken?secret"),
            format!("https://other.test:{}/secret?secret", server.port),
        ] {
            let call = Call::to_operators(&url)
                .header(header::AUTHORIZATION, "Bearer secret")
                .body("text/plain", "secret");
            let error = outbound.fetch(call).await.unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    });
}
