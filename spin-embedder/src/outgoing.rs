//! Requests that the component sends: to hosts that `allowed_outbound_hosts` names, as in Spin.

use std::error::Error as _;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, Uri, header};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;

use crate::allowed_hosts::AllowedHosts;

pub type Body = UnsyncBoxBody<Bytes, ErrorCode>;

pub struct Outgoing {
    hosts: AllowedHosts,
    client: Client<HttpsConnector<HttpConnector>, Body>,
}

impl Outgoing {
    pub fn new(hosts: AllowedHosts) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring speaks TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Self { hosts, client: Client::builder(TokioExecutor::new()).build(connector) }
    }

    pub async fn send(&self, mut request: Request<Body>) -> Result<Response<Body>, ErrorCode> {
        if !self.allows(request.uri()) {
            eprintln!("spin-embedder: allowed_outbound_hosts does not name what is called");
            return Err(ErrorCode::HttpRequestDenied);
        }
        request.headers_mut().remove(header::HOST);
        let answer = self.client.request(request).await.map_err(|error| {
            eprintln!("spin-embedder: a request was not answered: {error}");
            if error.is_connect() {
                return ErrorCode::ConnectionRefused;
            }
            let cause = error.source().and_then(|it| it.downcast_ref::<hyper::Error>());
            match cause {
                Some(cause) if cause.is_incomplete_message() => ErrorCode::HttpResponseIncomplete,
                _ => ErrorCode::HttpProtocolError,
            }
        })?;
        Ok(answer.map(|body| body.map_err(|_| ErrorCode::HttpResponseIncomplete).boxed_unsync()))
    }

    fn allows(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else { return false };
        let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
        self.hosts.allows(scheme, host, port)
    }
}
