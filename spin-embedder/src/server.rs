//! HTTP in front of the instances, with what Spin's HTTP trigger does to a request on its way.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use wasmtime::error::Context as _;
use wasmtime::{Error, Result, ensure};
use wasmtime_wasi_http::handler::{ErrorCode, ProxyHandler};
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode as P3ErrorCode;

use crate::instances::Instances;

/// The only route that is served.
pub const ROUTE: &str = "/...";

/// What Spin answers itself; the component never sees these paths.
const WELL_KNOWN: &str = "/.well-known/spin/";

type Body = UnsyncBoxBody<Bytes, Error>;

pub struct Server {
    handler: ProxyHandler<Instances>,
    /// The answer to `/.well-known/spin/info`.
    info: Bytes,
}

impl Server {
    pub fn new(instances: Instances, info: serde_json::Value) -> Self {
        Self { handler: ProxyHandler::new(instances), info: info.to_string().into() }
    }

    pub async fn serve(self, listener: TcpListener) -> Result<()> {
        let server = Arc::new(self);
        loop {
            let (stream, client) = listener.accept().await?;
            tokio::spawn(server.clone().connection(stream, client));
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, client: SocketAddr) {
        let service = service_fn(move |request| {
            let server = Arc::clone(&self);
            async move { server.answer(request, client).await }
        });
        // HTTP/2 too, in the clear. A body that the component broke off ends the connection, which
        // its client notices.
        let builder = Builder::new(TokioExecutor::new());
        if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
            eprintln!("spin-embedder: a connection ended: {error}");
        }
    }

    /// An error here closes the connection without an answer.
    async fn answer(
        &self,
        request: Request<Incoming>,
        client: SocketAddr,
    ) -> Result<Response<Body>> {
        if let Some(path) = request.uri().path().strip_prefix(WELL_KNOWN) {
            return Ok(match path {
                "health" => plain(StatusCode::OK, Bytes::from_static(b"OK")),
                "info" => plain(StatusCode::OK, self.info.clone()),
                _ => plain(StatusCode::NOT_FOUND, Bytes::new()),
            });
        }
        let request = with_authority(without_internal_host(request))?;
        Ok(self.call(request, client).await.unwrap_or_else(|error| {
            eprintln!("spin-embedder: a request failed: {error:?}");
            plain(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new())
        }))
    }

    async fn call(
        &self,
        mut request: Request<Incoming>,
        client: SocketAddr,
    ) -> Result<Response<Body>> {
        add_headers(&mut request, client)?;
        let body_error = |error| ErrorCode::from(P3ErrorCode::from_hyper_request_error(error));
        let request = request.map(|body| body.map_err(body_error).boxed_unsync());
        self.handler.handle((), request).await
    }
}

fn plain(status: StatusCode, body: Bytes) -> Response<Body> {
    let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

/// Names by which components call one another are no stranger's to use. What is left names no host,
/// but for HTTP/2, whose target does.
fn without_internal_host(mut request: Request<Incoming>) -> Request<Incoming> {
    let host = request.headers().get(header::HOST).and_then(|it| it.to_str().ok());
    let name = host.and_then(|it| it.split(':').next());
    if name.is_some_and(|it| it.ends_with(".spin.internal")) {
        request.headers_mut().remove(header::HOST);
    }
    request
}

/// The component is to know under which name it was asked.
fn with_authority(mut request: Request<Incoming>) -> Result<Request<Incoming>> {
    let mut parts = request.uri().clone().into_parts();
    let host = request.headers().get(header::HOST).map(|it| -> Result<Authority> {
        let host = it.to_str().context("the header Host is not text")?;
        host.parse::<Authority>().context("the header Host names no host")
    });
    let host = host.transpose()?;
    if let (Some(host), Some(named)) = (&host, &parts.authority) {
        ensure!(host == named, "the header Host and the request's target differ");
    }
    let authority = host.or(parts.authority).context("the request names no host")?;
    parts.authority = Some(authority);
    parts.scheme = Some(Scheme::HTTP);
    *request.uri_mut() = Uri::from_parts(parts)?;
    Ok(request)
}

/// Spin's headers come after those of the same name that the client sent, which stay. So the first
/// `spin-client-addr` is the client's to choose and only the last one is Spin's.
fn add_headers<B>(request: &mut Request<B>, client: SocketAddr) -> Result<()> {
    let uri = request.uri().clone();
    let headers = request.headers_mut();
    headers.remove(header::CONNECTION);
    for value in headers.values() {
        std::str::from_utf8(value.as_bytes())?;
    }
    let host = headers.get(header::HOST).map_or("localhost", |it| it.to_str().unwrap_or_default());
    let target = uri.path_and_query().map_or("/", |it| it.as_str());
    let url = format!("http://{host}{target}");
    let prefix = ROUTE.trim_end_matches("/...");
    for (name, value) in [
        // What the wildcard of the route stands for: all of it.
        ("spin-path-info", uri.path()),
        ("spin-full-url", url.as_str()),
        ("spin-matched-route", ROUTE),
        ("spin-base-path", "/"),
        ("spin-raw-component-route", ROUTE),
        ("spin-component-route", prefix),
        ("spin-client-addr", &client.to_string()),
    ] {
        headers.append(name, HeaderValue::from_str(value)?);
    }
    Ok(())
}
