//! One resource in several codings, and what a caller is told who has one already.

use http::Method;
use serde_json::json;
use trireme_tasks::Tasks;
use trireme_world::{create, on_every_database};

const GZIP: &str = "gzip";

/// Whatever the caller accepts, a 304 tells what the 200 to the same request would have told.
#[test]
fn a_304_has_the_headers_of_the_200() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let body = |text: &str| json!({ "title": "x", "description": text });
        let large = create(world, &ada, "/api/v1/tasks", body(&"word ".repeat(500))).await;
        let small = create(world, &ada, "/api/v1/tasks", body("word")).await;
        for place in [large.header("location"), small.header("location"), "/api/v1/users/me"] {
            for accepted in ["", GZIP, "gzip, identity;q=0", "gzip;Q=0", "identity"] {
                for method in [Method::GET, Method::HEAD] {
                    let ask = || {
                        world
                            .call(method.clone(), place)
                            .by(&ada)
                            .header("accept-encoding", accepted)
                    };
                    let whole = ask().send().await;
                    assert_eq!(whole.status, 200);
                    let tag = whole.header("etag").replace("-gzip", "");
                    let packed = tag.replacen('"', "", 1).replace('"', "-gzip\"");
                    for known in
                        [tag.clone(), format!("\"{packed}"), format!("W/{tag}"), "*".into()]
                    {
                        let case = format!("{method} {place}, {accepted:?}, {known}");
                        let reply = ask().header("if-none-match", &known).send().await;
                        assert_eq!((reply.status, reply.bytes.len()), (304, 0), "{case}");
                        for name in ["etag", "vary", "cache-control"] {
                            let all = |headers: &http::HeaderMap| {
                                headers.get_all(name).iter().cloned().collect::<Vec<_>>()
                            };
                            assert_eq!(all(&reply.headers), all(&whole.headers), "{name}: {case}");
                        }
                        for name in ["content-type", "content-encoding", "content-length"] {
                            assert_eq!(reply.header(name), "", "{name}: {case}");
                        }
                    }
                    let other = ask().header("if-none-match", "\"77\"").send().await;
                    assert_eq!((other.status, other.bytes), (200, whole.bytes));
                }
            }
        }
    });
}

#[test]
fn the_choice_of_coding_is_told_wherever_there_is_one() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        for path in ["/health/live", "/openapi.json", "/nowhere", "/api/v1/tasks"] {
            for method in [Method::GET, Method::HEAD] {
                for accepted in ["", GZIP, "identity"] {
                    let call = world.call(method.clone(), path).by(&ada);
                    let reply = call.header("accept-encoding", accepted).send().await;
                    let vary: Vec<_> = reply.headers.get_all("vary").iter().collect();
                    assert_eq!(vary, ["Origin", "Accept-Encoding"], "{method} {path} {accepted:?}");
                }
            }
        }
    });
}

#[test]
fn the_wish_for_a_coding_is_heeded() {
    on_every_database::<Tasks>(async |world| {
        for (accepted, coding) in [
            ("gzip", GZIP),
            ("x-gzip;q=0.2", GZIP),
            ("GZip;Q=1.0", GZIP),
            ("br;q=1.0, *;q=0.5", GZIP),
            ("gzip;Q=0", ""),
            ("gzip;q=0.000, *", ""),
            ("gzip;q=0.1, identity;q=0.2", ""),
            ("identity;q=0", ""),
            ("deflate", ""),
        ] {
            let call = world.get("/openapi.json").header("accept-encoding", accepted);
            assert_eq!(call.send().await.header("content-encoding"), coding, "{accepted}");
        }
        let split = world.get("/openapi.json").header("accept-encoding", "br");
        let reply = split.header("accept-encoding", "gzip").send().await;
        assert_eq!(reply.header("content-encoding"), GZIP, "a field of two lines");
        let small = world.get("/health/live").header("accept-encoding", "gzip, identity;q=0");
        assert_eq!(small.send().await.header("content-encoding"), GZIP, "plain is refused");
    });
}

/// Other requests have their turn while a long answer is written and compressed.
#[test]
fn long_answers_are_made_in_pieces() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        let mut state = 7_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from_u32(0x1_F300 + (state >> 24)).unwrap()
        };
        let text: String = (0..10_000).map(|_| noise()).collect();
        for number in 0..30 {
            let body = json!({ "title": format!("{number}"), "description": text });
            create(world, &ada, "/api/v1/tasks", body).await;
        }
        let pauses = || world.host.pauses.take();
        pauses();
        let plain = world.get("/api/v1/tasks?limit=100").by(&ada).send().await;
        assert_eq!(plain.body["items"].as_array().unwrap().len(), 30);
        assert!(plain.bytes.len() > 1_200_000);
        let written = pauses();
        assert!(written >= 10, "{written} while it was written");
        let ask = world.get("/api/v1/tasks?limit=100").by(&ada).header("accept-encoding", GZIP);
        let packed = ask.send().await;
        let packing = pauses() - written;
        assert!(packing >= 30, "{packing} while it was compressed");
        let mut unpacked = Vec::new();
        std::io::Read::read_to_end(
            &mut flate2::read::GzDecoder::new(&*packed.bytes),
            &mut unpacked,
        )
        .unwrap();
        assert!(unpacked == plain.bytes);
    });
}

/// A body whose parsing takes milliseconds is parsed where passwords are hashed.
#[test]
fn long_bodies_are_read_elsewhere() {
    on_every_database::<Tasks>(async |world| {
        let ada = world.register("ada").await;
        world.host.computed.take();
        let patch = |padding: usize| {
            let text = format!("{{\"name\": \"Ada\"{}}}", " ".repeat(padding));
            let call = world.call(Method::PATCH, "/api/v1/users/me").by(&ada);
            call.raw("application/json", text).send()
        };
        assert_eq!((patch(1000).await.status, world.host.computed.take()), (200, 0));
        assert_eq!((patch(900_000).await.status, world.host.computed.take()), (200, 1));
    });
}
