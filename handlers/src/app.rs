use std::{
    ops::Deref,
    sync::{Arc, atomic::AtomicBool},
};

use bytes::Bytes;
use trireme_core::{config::Config, host::Host, migrations::Schema};

use crate::{
    Product, ids, jwks, mail::Template, maintenance::Step, middleware::cors, product,
    router::Router, routes, series,
};

/// What is made once, from a product and the configuration, and serves every request of a host. A
/// clone is another handle on the same.
pub struct App<H: Host>(Arc<Made<H>>);

pub struct Made<H: Host> {
    pub config: Config,
    /// Without the texts, which a host that applies none has no use for.
    pub(crate) schema: Schema,
    pub(crate) router: Router<H>,
    pub(crate) product: Parts,
    pub(crate) jwks: Bytes,
    pub(crate) cors: cors::Policy,
    pub(crate) ids: ids::Ids,
    /// The account of `AUTH_REQUIRED=false` is known to exist.
    pub(crate) local_user: AtomicBool,
    /// An address that forwards without being trusted was told of.
    pub(crate) told_of_proxy: AtomicBool,
}

/// What of a product is there at run time besides its routes.
pub(crate) struct Parts {
    pub version: &'static str,
    pub document: &'static [u8],
    pub tables: &'static [&'static str],
    pub steps: &'static [Step],
    pub title: &'static str,
    pub mail: &'static [Template],
}

impl<H: Host> App<H> {
    /// Panics where two of the product's routes clash; what else clashes does not compile.
    pub fn new<P: Product>(config: Config) -> Self {
        const { product::check::<P>() };
        let mut all = routes::routes();
        all.extend(P::routes());
        Self(Arc::new(Made {
            schema: const { Schema::of(series::<P>()) },
            router: Router::new(all),
            product: Parts {
                version: P::ABOUT.version,
                document: P::DOCUMENT,
                tables: P::TABLES,
                steps: P::MAINTENANCE,
                title: P::ABOUT.title,
                mail: P::MAIL,
            },
            jwks: jwks::document(&config.auth.keys),
            cors: cors::Policy::new(&config.http),
            ids: ids::Ids::default(),
            local_user: AtomicBool::new(false),
            told_of_proxy: AtomicBool::new(false),
            config,
        }))
    }
}

impl<H: Host> Clone for App<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<H: Host> Deref for App<H> {
    type Target = Made<H>;

    fn deref(&self) -> &Made<H> {
        &self.0
    }
}
