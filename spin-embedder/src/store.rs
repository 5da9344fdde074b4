//! What all instances share, and what one instance has of its own.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{TrappableError, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::WasiHttpCtx;
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p3::{RequestOptions, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

use crate::key_value::Stores;
use crate::logs::{Lines, Target};
use crate::outgoing::{Body, Outgoing};
use crate::postgres::Pools;
use crate::sqlite::Databases;
use crate::variables::Variables;

/// The application: shared by its instances, which come and go.
pub struct App {
    pub environment: Vec<(String, String)>,
    pub key_value: Stores,
    pub outgoing: Outgoing,
    pub postgres: Pools,
    pub sqlite: Databases,
    pub variables: Variables,
}

/// How many of a kind one instance may have open, as in Spin.
const POSTGRES_CONNECTIONS: usize = 1024;
const SQLITE_CONNECTIONS: usize = 256;
const KEY_VALUE_STORES: usize = 256;

/// An instance's own. Resources have a table for each kind, because the limits are for each kind.
pub struct State {
    pub app: Arc<App>,
    pub postgres: ResourceTable,
    pub sqlite: ResourceTable,
    pub key_value: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Requests,
    table: ResourceTable,
}

impl State {
    pub fn new(app: Arc<App>) -> Self {
        let wasi = WasiCtx::builder()
            .envs(&app.environment)
            .stdout(Lines::new(Target::Stdout))
            .stderr(Lines::new(Target::Stderr))
            .build();
        let hooks = Requests(app.clone());
        Self {
            app,
            postgres: table(POSTGRES_CONNECTIONS),
            sqlite: table(SQLITE_CONNECTIONS),
            key_value: table(KEY_VALUE_STORES),
            wasi,
            http: WasiHttpCtx::new(),
            hooks,
            table: ResourceTable::new(),
        }
    }
}

fn table(limit: usize) -> ResourceTable {
    let mut table = ResourceTable::new();
    table.set_max_capacity(limit);
    table
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

/// What the component itself sends.
struct Requests(Arc<App>);

type Transfer = Box<dyn Future<Output = Result<(), ErrorCode>> + Send>;
type Sent = Result<(http::Response<Body>, Transfer), TrappableError<ErrorCode>>;

impl WasiHttpHooks for Requests {
    fn send_request(
        &mut self,
        request: http::Request<Body>,
        _: Option<RequestOptions>,
        _: Transfer,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let app = self.0.clone();
        Box::new(async move {
            let answer = app.outgoing.send(request).await?;
            Ok((answer, Box::new(async { Ok(()) }) as Transfer))
        })
    }
}
