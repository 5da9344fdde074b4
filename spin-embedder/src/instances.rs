//! The component, compiled once, and its instances. wasmtime's `ProxyHandler` lends them to requests; it
//! is the one that Spin uses, with the same limits, so what shares an instance here shares it there, and
//! a trap ends the same requests.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;
use wasmtime::component::{Component, GuestTaskId, InstancePre, Linker};
use wasmtime::error::Context as _;
use wasmtime::{Cache, CacheConfig, Config, Engine, Result, Store, StoreContextMut};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, Proxy, ShouldAccept, ViewFn, WorkerExpiration, WorkerState,
    WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::{Service, ServicePre};
use wasmtime_wasi_http::p3::{WasiHttpCtxView, WasiHttpView as _};

use crate::bindings::spin;
use crate::store::{App, State};
use crate::{absent, key_value, postgres, sqlite, variables};

/// Requests that one instance serves before it is dropped.
const REQUESTS: usize = 128;
/// Requests that one instance serves at once: statics are shared among them.
const REQUESTS_AT_ONCE: usize = 16;
/// How long an instance without a request is kept.
const IDLE: Duration = Duration::from_secs(1);

/// Instances are made of this. Requests have no time limit, as in Spin without options.
pub struct Instances {
    app: Arc<App>,
    engine: Engine,
    service: ServicePre<State>,
}

impl Instances {
    pub fn load(path: &Path, app: App) -> Result<Self> {
        let engine = engine()?;
        let component = Component::from_file(&engine, path).with_context(|| {
            format!(
                "{} is no component that can be loaded; build it for wasm32-wasip2",
                path.display()
            )
        })?;
        let service = link(&engine, &component)
            .and_then(ServicePre::new)
            .with_context(|| format!("{} does not fit Spin's HTTP trigger", path.display()))?;
        Ok(Self { app: Arc::new(app), engine, service })
    }
}

/// Compiled code is cached in the user's cache folder where there is one, or compiling would be most of
/// a test's time.
fn engine() -> Result<Engine> {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    config.cache(Cache::new(CacheConfig::new()).ok());
    Engine::new(&config)
}

fn link(engine: &Engine, component: &Component) -> Result<InstancePre<State>> {
    let mut linker = Linker::<State>::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    spin::key_value::key_value::add_to_linker::<_, key_value::Interface>(&mut linker, |it| it)?;
    spin::postgres::postgres::add_to_linker::<_, postgres::Interface>(&mut linker, |it| it)?;
    spin::sqlite::sqlite::add_to_linker::<_, sqlite::Interface>(&mut linker, |it| it)?;
    spin::variables::variables::add_to_linker::<_, variables::Interface>(&mut linker, |it| it)?;
    absent::stub(&mut linker, engine, component)?;
    linker.instantiate_pre(component)
}

impl HandlerState for Instances {
    type StoreData = State;
    type WorkerExpiration = Expiration;
    type WorkerState = Limits;

    async fn instantiate(&self) -> Result<Instance<State, Expiration, Limits>> {
        let mut store = Store::new(&self.engine, State::new(self.app.clone()));
        let service: Service = self.service.instantiate_async(&mut store).await?;
        let view: fn(&mut State) -> WasiHttpCtxView<'_> = State::http;
        Ok(Instance {
            store,
            proxy: Proxy::P3(service),
            view: ViewFn::P3(view),
            expiration: Expiration(Box::pin(tokio::time::sleep(IDLE))),
            state: Limits,
        })
    }
}

pub struct Limits;

impl WorkerState for Limits {
    type StoreData = State;
    type RequestId = ();

    fn should_accept_request(&self, at_once: usize, total: usize) -> ShouldAccept {
        if total >= REQUESTS {
            ShouldAccept::Never
        } else if at_once >= REQUESTS_AT_ONCE {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, State>,
        (): (),
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        Box::pin(std::future::pending())
    }

    fn drop(&self, _: Store<State>, result: Result<()>) {
        if let Err(error) = result {
            eprintln!("spin-embedder: an instance failed: {error:?}");
        }
    }
}

pub struct Expiration(Pin<Box<Sleep>>);

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        status: WorkerStatus,
        since: Instant,
    ) -> Poll<()> {
        if status != WorkerStatus::Idle {
            return Poll::Pending;
        }
        let end = (since + IDLE).into();
        if self.0.deadline() != end {
            self.0.as_mut().reset(end);
        }
        self.0.as_mut().poll(context)
    }
}
