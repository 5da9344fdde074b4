//! Pools of connections by address. They outlive requests and instances, and what a connection's last
//! user left behind on it reaches the next one as it does in Spin: see [`RECYCLING`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{Config, Host, SslMode};
use tokio_postgres::{Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use wasmtime::Result;
use wasmtime::error::Context as _;

use crate::allowed_hosts::AllowedHosts;
use crate::bindings::spin::postgres::postgres::Error;

/// Resets settings, closes cursors, gives up locks and temporary tables, but sends no ROLLBACK: a
/// transaction that is open, and not failed, stays open for the next who is lent the connection.
const RECYCLING: RecyclingMethod = RecyclingMethod::Clean;

/// Who wants one more waits, without an end.
const CONNECTIONS: usize = 64;

const DEFAULT_PORT: u16 = 5432;

/// A lent connection; statements under way keep it, so it goes back to its pool after the last.
#[derive(Clone)]
pub struct Connection(Arc<Object>);

impl Connection {
    pub fn client(&self) -> &Client {
        &self.0
    }
}

pub struct Pools {
    allowed: AllowedHosts,
    /// By address and authority.
    pools: Mutex<HashMap<(String, Option<String>), Pool>>,
}

impl Pools {
    pub fn new(allowed: AllowedHosts) -> Self {
        Self { allowed, pools: Mutex::default() }
    }

    pub async fn open(&self, address: &str, authority: Option<&str>) -> Result<Connection, Error> {
        self.check(address)?;
        let failed = |error: wasmtime::Error| Error::ConnectionFailed(format!("{error:?}"));
        let pool = self.pool(address, authority).map_err(failed)?;
        let connection = pool.get().await.map_err(|error| failed(error.into()))?;
        Ok(Connection(Arc::new(connection)))
    }

    fn check(&self, address: &str) -> Result<(), Error> {
        let failed = |text: String| Err(Error::ConnectionFailed(text));
        let config = match address.parse::<Config>() {
            Ok(config) => config,
            Err(error) => return failed(error.to_string()),
        };
        let ports = config.get_ports();
        for (index, host) in config.get_hosts().iter().enumerate() {
            let Host::Tcp(host) = host else {
                return failed("Unix sockets are not supported on WebAssembly".to_owned());
            };
            let only = ports.first().filter(|_| ports.len() == 1);
            let port = ports.get(index).or(only).copied();
            if !self.allowed.allows("postgres", host, port.unwrap_or(DEFAULT_PORT)) {
                let port = port.map(|it| format!(":{it}")).unwrap_or_default();
                eprintln!(
                    "spin-embedder: allowed_outbound_hosts does not have postgres://{host}{port}"
                );
                return failed(format!("address postgres://{host}{port} is not permitted"));
            }
        }
        Ok(())
    }

    fn pool(&self, address: &str, authority: Option<&str>) -> Result<Pool> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (address.to_owned(), authority.map(ToOwned::to_owned));
        if let Some(pool) = pools.get(&key) {
            return Ok(pool.clone());
        }
        let pool = build(address.parse()?, authority)?;
        pools.insert(key, pool.clone());
        Ok(pool)
    }
}

fn build(config: Config, authority: Option<&str>) -> Result<Pool> {
    let recycling = ManagerConfig { recycling_method: RECYCLING };
    let manager = if config.get_ssl_mode() == SslMode::Disable {
        Manager::from_config(config, NoTls, recycling)
    } else {
        let connector = MakeRustlsConnect::new(tls(authority)?);
        Manager::from_config(config, connector, recycling)
    };
    Ok(Pool::builder(manager).max_size(CONNECTIONS).build()?)
}

/// Trusts what the system trusts, and the authority in addition.
fn tls(authority: Option<&str>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(authority) = authority {
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes())?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("rustls without protocol versions")?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
