//! Each standard check of a resource turns red on a server that breaks its promise: the real one,
//! behind something that spoils one thing on the way.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use trireme_testbed::Server;
use trireme_verify::{Options, Outcome, Report};

use super::options;

struct Asked {
    method: Method,
    target: String,
    headers: HeaderMap,
    body: String,
    /// The credentials that were seen first: Alice's.
    first: Option<header::HeaderValue>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Asked {
    fn drop_parameter(&mut self, name: &str) {
        let Some((path, query)) = self.target.split_once('?') else { return };
        let kept: Vec<_> =
            query.split('&').filter(|pair| pair.split('=').next() != Some(name)).collect();
        self.target = format!("{path}?{}", kept.join("&"));
    }

    fn members(&mut self, change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>)) {
        if let Ok(serde_json::Value::Object(mut members)) = serde_json::from_str(&self.body) {
            change(&mut members);
            self.body = serde_json::Value::from(members).to_string();
        }
    }

    fn is_media(&self, media: &str) -> bool {
        self.headers.get(header::CONTENT_TYPE).is_some_and(|it| it == media)
    }

    fn pretend(&mut self, media: &'static str) {
        self.headers.insert(header::CONTENT_TYPE, media.parse().unwrap());
    }

    /// As if everybody were Alice.
    fn as_first(&mut self) {
        let first = self.first.clone().unwrap();
        self.headers.insert(header::AUTHORIZATION, first);
    }

    fn is_list(&self) -> bool {
        self.target.split('?').next().is_some_and(|path| path.ends_with("/tasks"))
    }
}

impl Answer {
    fn replace(&mut self, from: &str, to: &str) {
        if let Ok(text) = std::str::from_utf8(&self.body) {
            self.body = text.replace(from, to).into_bytes();
        }
    }

    fn say(&mut self, status: u16, body: &str) {
        self.status = StatusCode::from_u16(status).unwrap();
        self.body = body.as_bytes().to_vec();
    }

    fn set(&mut self, name: &'static str, value: &'static str) {
        self.headers.insert(name, value.parse().unwrap());
    }
}

/// A promise that is broken, and the checks that have to see it.
struct Poor {
    what: &'static str,
    asked: fn(&mut Asked),
    answered: fn(&Asked, &mut Answer),
    red: &'static [&'static str],
}

const fn asks(what: &'static str, red: &'static [&'static str], asked: fn(&mut Asked)) -> Poor {
    Poor { what, asked, answered: |_, _| {}, red }
}

const fn answers(
    what: &'static str,
    red: &'static [&'static str],
    answered: fn(&Asked, &mut Answer),
) -> Poor {
    Poor { what, asked: |_| {}, answered, red }
}

const POOR: &[Poor] = &[
    answers("no Location", &["story"], |_, answer| {
        answer.headers.remove(header::LOCATION);
    }),
    answers("another default", &["defaults"], |_, answer| answer.replace("medium", "high")),
    answers("one fault at a time", &["faults_all_at_once"], |_, answer| {
        let Ok(mut body) = serde_json::from_slice::<serde_json::Value>(&answer.body) else {
            return;
        };
        if let Some(errors) = body["errors"].as_array_mut() {
            errors.truncate(1);
            answer.body = body.to_string().into_bytes();
        }
    }),
    asks("words in any case", &["each_fault"], |asked| {
        asked.body = asked.body.replace("\"TODO\"", "\"todo\"");
    }),
    asks("escapes are dropped", &["texts"], |asked| {
        asked.body = asked.body.replace("\\u001b", "");
    }),
    answers("letters that are lost", &["lengths"], |_, answer| answer.replace("😀", "?")),
    answers("years of two digits", &["times"], |_, answer| answer.replace("\"0099-", "\"1999-")),
    answers("no word on what is taken", &["taken"], |_, answer| {
        answer.replace("name_taken", "taken");
    }),
    asks("references to whatever there is", &["references"], |asked| {
        if asked.method == Method::POST || asked.method == Method::PATCH {
            asked.members(|members| drop(members.remove("context_id")));
        }
    }),
    asks("unknown members are passed over", &["unknown_members"], |asked| {
        asked.members(|members| drop(members.remove("version")));
    }),
    asks("unknown parameters are passed over", &["unknown_queries"], |asked| {
        asked.drop_parameter("bogus");
    }),
    asks("any media type", &["bodies"], |asked| {
        if asked.is_media("text/plain") {
            asked.pretend("application/json");
        }
    }),
    answers("another status for what is too large", &["too_large"], |_, answer| {
        if answer.status == 413 {
            answer.status = StatusCode::BAD_REQUEST;
        }
    }),
    asks("null in a patch is passed over", &["null_clears", "null_on_required"], |asked| {
        if asked.method == Method::PATCH {
            asked.members(|members| members.retain(|_, value| !value.is_null()));
        }
    }),
    asks("a patch that is no object is an empty one", &["not_an_object"], |asked| {
        if asked.method == Method::PATCH && !asked.body.starts_with('{') {
            "{}".clone_into(&mut asked.body);
        }
    }),
    asks("any kind of patch", &["media_types"], |asked| {
        if asked.is_media("application/json-patch+json") {
            asked.pretend("application/merge-patch+json");
        }
    }),
    answers("an empty patch is a fault", &["empty_patch"], |asked, answer| {
        if asked.method == Method::PATCH && asked.body == "{}" {
            answer.say(400, "{}");
        }
    }),
    asks("records are everybody's", &["records_of_another"], |asked| {
        if asked.method == Method::GET && asked.target.contains("/tasks/") {
            asked.as_first();
        }
    }),
    asks("lists are everybody's", &["lists_of_another"], |asked| {
        if asked.method == Method::GET && asked.is_list() {
            asked.as_first();
        }
    }),
    asks("only lists by a filter are everybody's", &["lists_of_another"], |asked| {
        if asked.method == Method::GET && asked.target.contains("?status=") {
            asked.as_first();
        }
    }),
    asks("a filter is passed over", &["each_filter"], |asked| asked.drop_parameter("due_after")),
    asks("any order will do", &["bounds"], |asked| {
        asked.target = asked.target.replace("sort=colour", "sort=title");
    }),
    asks("pages of any length", &["page_limits"], |asked| asked.drop_parameter("limit")),
    asks("one order for all", &["every_sort"], |asked| asked.drop_parameter("sort")),
    answers("any cursor", &["cursors_are_bound"], |_, answer| {
        if answer.status == 400 {
            answer.say(200, r#"{"items": [], "next_cursor": null}"#);
        }
    }),
    answers(
        "pages that skip",
        &["every_sort", "records_of_one_moment", "stable_under_inserts"],
        |asked, answer| {
            let Ok(mut body) = serde_json::from_slice::<serde_json::Value>(&answer.body) else {
                return;
            };
            if asked.target.contains("cursor=")
                && let Some(items) = body["items"].as_array_mut()
                && !items.is_empty()
            {
                items.remove(0);
                answer.body = body.to_string().into_bytes();
            }
        },
    ),
    answers("weak tags", &["strong_etags"], |_, answer| {
        if let Some(etag) = answer.headers.get(header::ETAG) {
            let weak = format!("W/{}", etag.to_str().unwrap());
            answer.headers.insert(header::ETAG, weak.parse().unwrap());
        }
    }),
    asks(
        "If-None-Match is passed over",
        &["not_modified", "not_modified_in_each_coding", "compressed_etags"],
        |asked| {
            asked.headers.remove(header::IF_NONE_MATCH);
        },
    ),
    asks(
        "If-Match is passed over",
        &["preconditions", "conditional_deletion", "concurrent_updates"],
        |asked| {
            asked.headers.remove(header::IF_MATCH);
        },
    ),
    asks("keys are passed over", &["replay", "other_body", "concurrent_retries"], |asked| {
        asked.headers.remove("idempotency-key");
    }),
    answers(
        "everything is a replay",
        &["replay", "keys_per_user", "failures_are_forgotten"],
        |_, answer| {
            answer.set("idempotency-replayed", "true");
        },
    ),
    answers("no Allow", &["not_allowed"], |_, answer| {
        answer.headers.remove(header::ALLOW);
    }),
    answers("HEAD with less of a head", &["head"], |asked, answer| {
        if asked.method == Method::HEAD {
            answer.headers.remove(header::CONTENT_TYPE);
        }
    }),
    asks("a slash more or less", &["odd_paths"], |asked| {
        asked.target = asked.target.trim_end_matches('/').to_owned();
    }),
    answers("anybody's cache", &["caching"], |_, answer| answer.set("cache-control", "public")),
    asks(
        "nothing is compressed",
        &["compression", "compressed_etags", "not_modified_in_each_coding"],
        |asked| {
            asked.headers.remove(header::ACCEPT_ENCODING);
        },
    ),
];

/// Passes one request on, spoilt both ways.
async fn pass(
    port: u16,
    poor: Option<&'static Poor>,
    first: Arc<Mutex<Option<header::HeaderValue>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let (mut head, body) = request.into_parts();
    let body = String::from_utf8(body.collect().await?.to_bytes().to_vec())?;
    if let Some(token) = head.headers.get(header::AUTHORIZATION) {
        first.lock().unwrap().get_or_insert_with(|| token.clone());
    }
    let mut asked = Asked {
        method: head.method.clone(),
        target: head.uri.to_string(),
        headers: std::mem::take(&mut head.headers),
        body,
        first: first.lock().unwrap().clone(),
    };
    if let Some(poor) = poor {
        (poor.asked)(&mut asked);
    }
    asked.headers.remove(header::CONTENT_LENGTH);
    asked.headers.remove(header::TRANSFER_ENCODING);
    let mut outgoing = Request::new(Full::new(Bytes::from(asked.body.clone())));
    *outgoing.method_mut() = asked.method.clone();
    *outgoing.uri_mut() = asked.target.parse()?;
    *outgoing.headers_mut() = asked.headers.clone();
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let (head, body) = sender.send_request(outgoing).await?.into_parts();
    let body = body.collect().await?.to_bytes().to_vec();
    let mut answer = Answer { status: head.status, headers: head.headers, body };
    if let Some(poor) = poor {
        (poor.answered)(&asked, &mut answer);
    }
    if asked.method != Method::HEAD {
        answer.headers.remove(header::CONTENT_LENGTH);
    }
    answer.headers.remove(header::TRANSFER_ENCODING);
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    (*response.status_mut(), *response.headers_mut()) = (answer.status, answer.headers);
    Ok(response)
}

/// Runs some of the suite against the server, spoilt or not.
async fn verify(port: u16, poor: Option<&'static Poor>, only: &str) -> Report {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = Options::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    options.only = Some(only.to_owned());
    let serve = tokio::spawn(async move {
        let first = Arc::default();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let first = Arc::clone(&first);
            let service = service_fn(move |request| pass(port, poor, Arc::clone(&first), request));
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    let report = trireme_verify::run(options, trireme_tasks_checks::CHECKS, |_| {}).await;
    serve.abort();
    report
}

#[test]
fn each_standard_check_sees_its_promise_broken() {
    let options = options("sqlite://poor.sqlite3").env("RATE_LIMIT_AUTH_PER_ADDRESS", "100000/60s");
    let server = Server::start(options).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for group in ["contexts/", "tasks/"] {
            let report = verify(server.port(), None, group).await;
            assert!(report.passed(), "{}", report.to_table(false));
        }
        for poor in POOR {
            for name in poor.red {
                let group = if *name == "taken" { "contexts" } else { "tasks" };
                let report = verify(server.port(), Some(poor), &format!("{group}/{name}")).await;
                let result = report.results.iter().find(|it| it.name == *name).unwrap();
                let red = matches!(result.outcome, Outcome::Failed(_));
                assert!(red, "{}: {name} sees nothing\n{}", poor.what, report.to_table(false));
            }
        }
    });
    let own = ["deletion_keeps_tasks", "count_in_tag"];
    let names =
        trireme_verify::list(&Options::new(&server.url()).unwrap(), trireme_tasks_checks::CHECKS);
    let standard: BTreeSet<_> =
        names.iter().filter(|it| it.group == "contexts").map(|it| it.name).collect();
    let standard: BTreeSet<_> = standard.into_iter().filter(|name| !own.contains(name)).collect();
    let seen: BTreeSet<_> = POOR.iter().flat_map(|poor| poor.red).copied().collect();
    assert_eq!(seen, standard, "every standard check is seen red");
}
