//! What happens around every request, in this order:
//!
//! 1. the request id, and the client's address as trusted proxies tell it
//! 2. the host check, CORS, HTTPS
//! 3. the route
//! 4. authentication of the token
//! 5. the endpoint's rate limit, if it has one, before a byte of the body is read
//! 6. the body and its limit; a slow body has a limit of time, which the host keeps
//! 7. the handler, and its deadline
//! 8. problem mapping, the headers that every answer has, 304, compression
//! 9. one log record
//!
//! That a session is still alive is proved by the database, in the handler's own round trip.

mod authenticate;
mod compress;
pub mod cors;
mod crc32;
pub mod headers;
mod log;
mod request_id;
pub(crate) mod transport;

use std::{cell::Cell, future::Future, panic::AssertUnwindSafe, pin::pin, sync::atomic::Ordering};

use bytes::Bytes;
use futures_util::{
    FutureExt as _,
    future::{Either, select},
};
use http::{HeaderMap, Method, Request, Response, request::Parts};
use trireme_core::{
    Code, Error, Timestamp,
    config::{Config, Environment, Proxies},
    error::Result,
    host::{Body, Host, Peer},
    http::forwarded::{self, Client},
    problem,
    validate::{Fields, Nothing},
};

use self::request_id::RequestId;
use crate::{
    Answered, App, Endpoint, Route, conditional, context::Context, docs, rate_limit, router::Found,
};

/// What is known of a request once it is answered, for its log record.
#[derive(Default)]
struct Trace {
    route: Option<&'static str>,
    user: Option<trireme_core::Uuid>,
}

/// Answers one request.
pub async fn answer<H: Host, B: Body>(
    app: &App<H>,
    host: &H,
    peer: Peer,
    request: Request<B>,
) -> Answered {
    let (head, body) = request.into_parts();
    let arrival = Arrival::of(app, host, peer, &head);
    let mut trace = Trace::default();

    // A panic costs its own request an answer of 500, and nothing else.
    let result = {
        let work = pin!(route(app, host, body, &arrival, &mut trace));
        AssertUnwindSafe(work).catch_unwind().await
    };
    let result = result.unwrap_or_else(|_| Err(Error::internal("the handler panicked")));
    let (mut response, error) = arrival.answer(app, &trace, result);
    let packed = compress::choose(&head.headers, &mut response);
    conditional::not_modified(&head, &mut response);
    if packed && !response.body().is_empty() {
        compress::pack(host, &mut response).await;
    }
    arrival.finish(host, &trace, response, error)
}

/// Answers a request that does not get as far as its route: in a few words, which are not
/// compressed.
pub fn refuse<H: Host>(app: &App<H>, host: &H, peer: Peer, head: &Parts, error: Error) -> Answered {
    let (arrival, trace) = (Arrival::of(app, host, peer, head), Trace::default());
    let (response, error) = arrival.answer(app, &trace, Err(error));
    arrival.finish(host, &trace, response, error)
}

/// What is known of a request before anybody looks at what it asks for.
struct Arrival<'r> {
    started: Timestamp,
    head: &'r Parts,
    id: RequestId<'r>,
    client: Client,
    origin: cors::Verdict<'r>,
}

impl<'r> Arrival<'r> {
    fn of<H: Host>(app: &App<H>, host: &H, peer: Peer, head: &'r Parts) -> Self {
        let started = host.now();
        Self {
            started,
            head,
            id: RequestId::of(&head.headers, host, started),
            client: client(app, peer, head),
            origin: app.cors.judge(head),
        }
    }

    /// The answer with the headers that every one has, and the error that it stands for.
    fn answer<H: Host>(
        &self,
        app: &App<H>,
        trace: &Trace,
        result: Result<Response<Bytes>>,
    ) -> (Response<Bytes>, Option<Error>) {
        let (mut response, error) = match result {
            Ok(response) => (response, None),
            Err(error) => (problem::response(&error, &self.id), Some(error)),
        };
        let page = error.is_none() && trace.route.is_some_and(docs::is_page);
        headers::add(app.config.http.hsts, &self.id, !page, &mut response);
        self.origin.allow(&mut response);
        (response, error)
    }

    fn finish<H: Host>(
        &self,
        host: &H,
        trace: &Trace,
        mut response: Response<Bytes>,
        error: Option<Error>,
    ) -> Answered {
        if self.head.method == Method::HEAD {
            headers::drop_body(&mut response);
        }
        log::record(host, self, trace, &response, error.as_ref());
        Answered { response, route: trace.route.unwrap_or("unmatched") }
    }
}

async fn route<H: Host, B: Body>(
    app: &App<H>,
    host: &H,
    body: B,
    arrival: &Arrival<'_>,
    trace: &mut Trace,
) -> Result<Response<Bytes>> {
    let &Arrival { started, head, client, ref origin, .. } = arrival;
    let found = app.router.find(head.uri.path());
    let route = found.as_ref().map(|found| found.resource.path);
    trace.route = route;
    let probe = route.is_some_and(transport::is_probe);

    transport::check_host(&app.config, head, probe)?;
    origin.check()?;
    if head.method == Method::OPTIONS {
        return cors::options(&app.cors, origin, found.as_ref().map(|found| &found.resource.allow));
    }
    if let Some(redirect) = transport::to_https(&app.config, head, client, probe)? {
        return Ok(redirect);
    }
    let Some(Found { resource, params }) = found else { return Err(Error::not_found()) };
    let Route { endpoint, call } = resource.route(&head.method)?;
    let caller = if endpoint.access.needs_user() {
        Some(authenticate::caller(app, host, head, started).await?)
    } else {
        None
    };
    trace.user = caller.map(|caller| caller.user);
    if !endpoint.takes_query && !probe {
        // A query that is not asked for is a fault, like any other unknown input.
        Fields::of_query(head.uri.query().unwrap_or_default())?.input::<Nothing>()?;
    }
    let standing = match endpoint.limit {
        Some(limit) => {
            // Boxed, as a handler is: every request would have its size.
            let counted = rate_limit::request(app, host, limit, client.address, caller);
            let counted = Box::pin(counted);
            Some(in_time(app, host, counted).await.unwrap_or_else(|| Err(timed_out()))?)
        }
        None => None,
    };
    let answered = async {
        if let Some(standing) = &standing {
            standing.check()?;
        }
        let (body, now) = match *endpoint.method {
            Method::GET => (Bytes::new(), started),
            _ => (body.read(body_limit(&app.config, endpoint)).await?, host.now()),
        };
        let cx = Context {
            app,
            host,
            head,
            body,
            now,
            client,
            caller,
            params,
            writing: Cell::new(false),
        };
        in_time(app, host, call(&cx)).await.unwrap_or_else(|| {
            Err(if cx.writing.get() {
                Error::new(Code::OUTCOME_UNKNOWN, "Whether the change was made is not known.")
            } else {
                timed_out()
            })
        })
    };
    let result = answered.await;
    match &standing {
        Some(standing) => headers::announce(standing, result),
        None => result,
    }
}

/// A password or a token needs no more, and anybody may send it.
const CREDENTIAL_BODY: usize = 16 << 10;

fn body_limit(config: &Config, endpoint: &Endpoint) -> usize {
    let limit = config.http.body_limit;
    if endpoint.access.tries_credentials() { limit.min(CREDENTIAL_BODY) } else { limit }
}

/// What `work` gives, if it does so within the request's deadline.
async fn in_time<H: Host, T>(app: &App<H>, host: &H, work: impl Future<Output = T>) -> Option<T> {
    let deadline = host.sleep(app.config.http.request_timeout);
    match select(pin!(work), pin!(deadline)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

fn timed_out() -> Error {
    Error::new(Code::TIMEOUT, "The request took too long.")
}

fn client<H: Host>(app: &App<H>, peer: Peer, head: &Parts) -> Client {
    tell_of_proxy(app, peer, &head.headers);
    forwarded::client(peer, &app.config.http.trusted_proxies, &head.headers)
}

/// Outside development somebody who forwards is most likely the platform's proxy. Unless it is
/// trusted all its callers count as one, which is noticed when a limit locks all of them out.
fn tell_of_proxy<H: Host>(app: &App<H>, peer: Peer, headers: &HeaderMap) {
    if app.told_of_proxy.load(Ordering::Relaxed)
        || app.config.environment == Environment::Development
        || peer.trusted_platform
        || !forwarded::is_told(headers)
        || app.config.http.trusted_proxies.trusts(peer.address)
        || app.told_of_proxy.swap(true, Ordering::Relaxed)
    {
        return;
    }
    tracing::warn!(
        address = %peer.address,
        set = format!("TRUSTED_PROXIES={}", Proxies::to_trust(peer.address)),
        "forwarded headers of an address that is not trusted are ignored: if it is your proxy, set \
         TRUSTED_PROXIES; until then all its callers count as one address. This is told once"
    );
}
