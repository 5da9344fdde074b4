//! The one way to the server: every request of the suite goes through [`Client::send`].

use std::borrow::Cow;
use std::error::Error;
use std::future::Future;
use std::io::Read as _;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;
use tokio::sync::Notify;

use crate::check::CLOSING;
use crate::outcome::{Verdict, failed};
use crate::request::Request;
use crate::response::Response;
use crate::transcript::{Exchange, Normaliser, Transcript};
use crate::{Options, clock, invariants};

const USER_AGENT: &str = concat!("trireme-verify/", env!("CARGO_PKG_VERSION"));

/// Records that transcripts show are made in milliseconds of their own: those that share one
/// are in no order that two runs would agree on.
const APART: Duration = Duration::from_millis(2);

pub struct Client {
    hyper: Hyper<HttpsConnector<HttpConnector>, Payload>,
    base: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    timeout: Duration,
    deadline: Instant,
    normaliser: Normaliser,
    /// Whether the server is a production one, once that is known.
    pub production: OnceLock<bool>,
    log: Mutex<Log>,
    stopped: AtomicBool,
    under_way: AtomicUsize,
    answered: Notify,
}

/// A request that has no answer yet.
struct UnderWay<'c>(&'c Client);

impl<'c> UnderWay<'c> {
    fn new(client: &'c Client) -> Self {
        client.under_way.fetch_add(1, Relaxed);
        Self(client)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Relaxed);
        self.0.answered.notify_one();
    }
}

/// What the client noticed on the way.
#[derive(Default)]
struct Log {
    check: String,
    /// How many names the check has made up.
    marks: usize,
    transcript: Transcript,
    /// Requests and what was wrong with every kind of response to them.
    faults: Vec<(String, String)>,
}

impl Client {
    /// `tag` is the random word in all names that this run makes up.
    pub fn new(options: &Options, tag: &str) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls())
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        Self {
            hyper: Hyper::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .build(connector),
            base: options.url.to_string(),
            headers: options.headers.clone(),
            timeout: options.timeout,
            deadline: clock::now() + options.budget,
            normaliser: Normaliser::new(tag, &options.url.origin()),
            production: OnceLock::new(),
            log: Mutex::default(),
            stopped: AtomicBool::new(false),
            under_way: AtomicUsize::new(0),
            answered: Notify::new(),
        }
    }

    /// Files the following exchanges under this check.
    pub fn begin(&self, check: String) {
        let mut log = self.log();
        (log.check, log.marks) = (check, 0);
    }

    /// A name that no other of this run is, and the same one in another run.
    pub fn mark(&self) -> String {
        let mut log = self.log();
        log.marks += 1;
        format!("{} {}", log.check, log.marks)
    }

    /// Sends the request and reads the whole answer. A patient request that meets 429 waits
    /// as long as the server asks and the run's budget allows, and tries again.
    pub async fn send(&self, request: Request) -> Verdict<Response> {
        loop {
            if self.refuses() {
                return failed(request.title(), "a run that goes on", "it was stopped");
            }
            let (response, exchange) = {
                let _under_way = UnderWay::new(self);
                self.attempt(&request).await?
            };
            if request.patient
                && let Some(wait) = self.patience(&response)
            {
                tokio::time::sleep(wait).await;
                continue;
            }
            if request.recorded {
                self.log().transcript.exchanges.push(exchange);
                if response.status == StatusCode::CREATED {
                    tokio::time::sleep(APART).await;
                }
            }
            return Ok(response);
        }
    }

    /// Sends nothing more but for the closing checks.
    pub fn stop(&self) {
        self.stopped.store(true, Relaxed);
    }

    fn refuses(&self) -> bool {
        self.stopped.load(Relaxed) && !self.log().check.starts_with(CLOSING)
    }

    /// Waits until every request has its answer.
    pub async fn idle(&self) {
        while self.under_way.load(Relaxed) > 0 {
            self.answered.notified().await;
        }
    }

    /// Whether the run's budget is spent.
    pub fn out_of_time(&self) -> bool {
        clock::now() >= self.deadline
    }

    /// The distinct faults that responses of any kind had, with the first request of each.
    pub fn faults(&self) -> Vec<(String, String)> {
        self.log().faults.clone()
    }

    pub fn take_transcript(&self) -> Transcript {
        std::mem::take(&mut self.log().transcript)
    }

    async fn attempt(&self, request: &Request) -> Verdict<(Response, Exchange)> {
        let title = request.title();
        let started = clock::now();
        let answer = match tokio::time::timeout(self.timeout, self.exchange(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return failed(title, "an HTTP answer", causes(&*error)),
            Err(_) => return failed(title, format!("an answer within {:?}", self.timeout), "none"),
        };
        let (head, body) = answer.into_parts();
        let json = serde_json::from_slice(&unpacked(&head.headers, &body)).ok();
        let recorded = match (&json, body.is_empty()) {
            (Some(json), _) => Value::clone(json),
            (None, true) => Value::Null,
            (None, false) => {
                String::from_utf8(body.to_vec()).unwrap_or("<bytes>".to_owned()).into()
            }
        };
        let exchange = self.normaliser.exchange(
            &self.log().check,
            (request.method.as_str(), &request.path),
            head.status.as_u16(),
            &head.headers,
            recorded,
        );
        let response = Response {
            request: title,
            status: head.status,
            headers: head.headers,
            body,
            json,
            elapsed: clock::now() - started,
            normal: exchange.clone(),
        };
        self.inspect(request, &response);
        Ok((response, exchange))
    }

    async fn exchange(
        &self,
        request: &Request,
    ) -> Result<http::Response<Bytes>, Box<dyn Error + Send + Sync>> {
        let uri: Uri = format!("{}{}", self.base, request.path).parse()?;
        let body = Payload { inner: Full::new(request.body.clone()), chunked: request.chunked };
        let mut outgoing = http::Request::new(body);
        *outgoing.method_mut() = request.method.clone();
        *outgoing.uri_mut() = uri;
        let headers = outgoing.headers_mut();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        headers.extend(self.headers.iter().cloned());
        headers.extend(request.headers.clone());
        let (head, body) = self.hyper.request(outgoing).await?.into_parts();
        Ok(http::Response::from_parts(head, body.collect().await?.to_bytes()))
    }

    fn inspect(&self, request: &Request, response: &Response) {
        let mut log = self.log();
        for fault in invariants::faults(request, response, self.production.get().copied()) {
            if !log.faults.iter().any(|(_, known)| *known == fault) {
                log.faults.push((response.request.clone(), fault));
            }
        }
    }

    fn patience(&self, response: &Response) -> Option<Duration> {
        if response.status != StatusCode::TOO_MANY_REQUESTS {
            return None;
        }
        let seconds = response.header("retry-after")?.parse().ok()?;
        let wait = Duration::from_secs(seconds) + Duration::from_millis(50);
        (clock::now() + wait < self.deadline).then_some(wait)
    }

    fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The system's certificates, so that a private authority and `SSL_CERT_FILE` are honoured.
fn tls() -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// The bytes that a compressed body stands for. What is no gzip is left as it is, for a check to see.
fn unpacked<'a>(headers: &HeaderMap, body: &'a [u8]) -> Cow<'a, [u8]> {
    let is_packed = headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding == "gzip");
    let mut bytes = Vec::new();
    match is_packed.then(|| GzDecoder::new(body).read_to_end(&mut bytes)) {
        Some(Ok(_)) => bytes.into(),
        _ => body.into(),
    }
}

/// An error with its causes: hyper's own text stops at "client error (Connect)".
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// A body that can keep its length to itself.
struct Payload {
    inner: Full<Bytes>,
    chunked: bool,
}

impl Body for Payload {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.chunked { SizeHint::default() } else { self.inner.size_hint() }
    }
}

/// Runs at most eight futures at once and gives their results in order.
pub async fn together<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let futures: Vec<F> = futures.into_iter().collect();
    assert!(futures.len() <= 8, "the suite is a guest: at most eight requests at once");
    futures_util::future::join_all(futures).await
}
