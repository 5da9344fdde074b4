//! Outbound calls: HTTP/1.1 over TLS, on kept connections, to addresses that were looked at.

use std::{
    error::Error,
    fmt, io,
    net::{SocketAddr, ToSocketAddrs as _},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
    vec,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client as Hyper,
        connect::{HttpConnector, dns::Name},
    },
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore, crypto::ring::default_provider};
use tokio::{sync::OnceCell, task::spawn_blocking, time::timeout};
use tower_service::Service;
use trireme_core::{
    config::Environment,
    host::BodyError,
    http::{
        body::gather,
        call::{Call, Checked, FetchError, Reach},
    },
};

/// Of a call's time, for one connection to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a connection is kept that nobody uses: less than servers keep theirs, for the most part.
const IDLE: Duration = Duration::from_secs(20);

/// Kept connections to one server.
const KEPT: usize = 8;

/// Of an answer's head, in bytes.
const HEAD: usize = 64 << 10;

type Client = Hyper<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>;

/// Which addresses a name stands for; it may block.
pub type LookUp = fn(&str) -> io::Result<Vec<SocketAddr>>;

/// One for the whole process. A connection is served by the thread that opened it, and used by all.
#[derive(Clone)]
pub struct Outbound(Arc<Inner>);

struct Inner {
    environment: Environment,
    roots: Option<RootCertStore>,
    look_up: LookUp,
    clients: OnceCell<Clients>,
}

/// One for each [`Reach`], so that no call gets a connection that was made under another's rules.
struct Clients {
    anywhere: Client,
    loopback: Client,
    public: Client,
}

impl Outbound {
    pub fn new(environment: Environment) -> Self {
        Self::with(environment, None, |name| Ok((name, 0).to_socket_addrs()?.collect()))
    }

    /// With other authorities than the system's, and other names.
    pub fn with(environment: Environment, roots: Option<RootCertStore>, look_up: LookUp) -> Self {
        Self(Arc::new(Inner { environment, roots, look_up, clients: OnceCell::new() }))
    }

    pub async fn fetch(&self, call: Call) -> Result<Response<Bytes>, FetchError> {
        let Checked { request, reach, time, size } = call.checked(self.0.environment)?;
        let exchange = async {
            let client = self.0.clients().await.of(reach);
            exchange(client, request, size).await
        };
        timeout(time, exchange).await.unwrap_or(Err(FetchError::TimedOut))
    }
}

async fn exchange(
    client: &Client,
    request: Request<Bytes>,
    size: usize,
) -> Result<Response<Bytes>, FetchError> {
    let answer = client.request(request.map(Full::new)).await.map_err(|error| why(&error))?;
    let (head, mut body) = answer.into_parts();
    match gather(&mut body, size).await {
        Ok(body) => Ok(Response::from_parts(head, body)),
        Err(BodyError::TooLarge) => Err(FetchError::TooLarge),
        Err(_) => Err(FetchError::Unreachable("the answer broke off".to_owned())),
    }
}

impl Inner {
    /// Made by the first call: reading the system's authorities takes a while.
    async fn clients(&self) -> &Clients {
        self.clients
            .get_or_init(async || {
                let roots = match &self.roots {
                    Some(roots) => roots.clone(),
                    None => spawn_blocking(system).await.unwrap_or_else(|_| RootCertStore::empty()),
                };
                let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
                    .with_safe_default_protocol_versions()
                    .expect("ring speaks TLS 1.2 and 1.3")
                    .with_root_certificates(roots)
                    .with_no_client_auth();
                let client = |reach| client(tls.clone(), Resolver { reach, look_up: self.look_up });
                Clients {
                    anywhere: client(Reach::Anywhere),
                    loopback: client(Reach::Loopback),
                    public: client(Reach::Public),
                }
            })
            .await
    }
}

impl Clients {
    fn of(&self, reach: Reach) -> &Client {
        match reach {
            Reach::Anywhere => &self.anywhere,
            Reach::Loopback => &self.loopback,
            Reach::Public => &self.public,
        }
    }
}

/// The system's authorities, so that a private one and `SSL_CERT_FILE` are honoured.
fn system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn client(tls: ClientConfig, resolver: Resolver) -> Client {
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Hyper::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(KEPT)
        .http1_max_buf_size(HEAD)
        .build(connector)
}

/// Looks a name up, and hands on what was looked at: nobody resolves it a second time.
#[derive(Clone)]
struct Resolver {
    reach: Reach,
    look_up: LookUp,
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let Self { reach, look_up } = *self;
        Box::pin(async move {
            let addresses = spawn_blocking(move || look_up(name.as_str())).await??;
            // One that must not be called spoils the others: an honest name has none.
            if addresses.iter().all(|address| reach.permits(address.ip())) {
                Ok(addresses.into_iter())
            } else {
                Err(io::Error::other(Barred))
            }
        })
    }
}

/// The name stands for an address that the call must not reach.
#[derive(Debug)]
struct Barred;

impl fmt::Display for Barred {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name's address must not be called")
    }
}

impl Error for Barred {}

/// An error with its causes, none of which names more of the URL than its host.
fn why(error: &(dyn Error + 'static)) -> FetchError {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if inner.is_some_and(<dyn Error + Send + Sync>::is::<Barred>) {
            return FetchError::Refused("the name stands for an address that must not be called");
        }
        let parted = if text.is_empty() { "" } else { ": " };
        text = format!("{text}{parted}{cause}");
        next = cause.source();
    }
    FetchError::Unreachable(text)
}
