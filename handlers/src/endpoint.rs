//! An endpoint as data, and the declaration that makes a table of them.

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use http::{Method, Response};
use trireme_core::{
    config::{Config, Quota},
    error::Result,
    host::Host,
};

use crate::context::Context;

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Anybody, counted by address: a password or a token is tried here.
    Credential,
    /// A signed-in user.
    User,
    /// A signed-in user, counted by address: the password is tried here.
    UserCredential,
}

impl Access {
    pub const fn needs_user(self) -> bool {
        matches!(self, Self::User | Self::UserCredential)
    }
    pub const fn tries_credentials(self) -> bool {
        matches!(self, Self::Credential | Self::UserCredential)
    }
}

/// Whose requests a limit counts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// An IPv4 address, or an IPv6 network of 64 bits.
    Address,
    /// The caller's account.
    User,
}

/// So many requests in a window, counted in the database before a body is read, and told of by the
/// `RateLimit` fields. Endpoints that share a limit are counted together.
pub struct Limit {
    /// As the `RateLimit` fields have it.
    pub name: &'static str,
    pub per: Per,
    pub quota: fn(&Config) -> Quota,
}

/// Of all endpoints where a password or a token is tried.
static CREDENTIALS: Limit =
    Limit { name: "address", per: Per::Address, quota: |config| config.limits.auth_per_address };

/// What can be asked for, without how it is answered.
pub struct Endpoint {
    pub method: &'static Method,
    /// `/api/v1/orders/{id}/lines/{number}`.
    pub path: &'static str,
    pub access: Access,
    /// Whether it reads parameters of the query; any other endpoint refuses them.
    pub takes_query: bool,
    pub limit: Option<&'static Limit>,
}

impl Endpoint {
    pub const fn new(method: &'static Method, path: &'static str, access: Access) -> Self {
        let limit = if access.tries_credentials() { Some(&CREDENTIALS) } else { None };
        Self { method, path, access, takes_query: false, limit }
    }

    /// It reads parameters of the query.
    pub const fn query(mut self) -> Self {
        self.takes_query = true;
        self
    }

    /// Its requests are counted. Where credentials are tried they are already.
    pub const fn limit(mut self, limit: &'static Limit) -> Self {
        assert!(self.limit.is_none(), "an endpoint has one limit");
        assert!(
            matches!(limit.per, Per::Address) || self.access.needs_user(),
            "only users can be counted by user"
        );
        self.limit = Some(limit);
        self
    }
}

/// How an endpoint is called. Boxed, since an isolate on Workers compiles a function when it is
/// first called: this endpoint's then, and not that of all in one.
pub type Call<H> =
    for<'c, 'a> fn(&'c Context<'a, H>) -> LocalBoxFuture<'c, Result<Response<Bytes>>>;

/// An endpoint, and what answers on a host.
pub struct Route<H: Host> {
    pub endpoint: &'static Endpoint,
    pub call: Call<H>,
}

/// Declares endpoints, one a line: a name for clients, method, path, who may call, the module that
/// answers, a summary. The module has `handle`, which answers, and `describe`, which tells the
/// OpenAPI document what it takes and gives. Behind who may call stands what else there is to say:
/// `query` where parameters of the query are read, `limit(&LIMIT)` where requests are counted.
///
/// It makes two functions: `routes`, which serves, and `operations`, which describes. Nothing of
/// the second is in a program for an edge host.
///
/// ```
/// mod greeting {
///     use trireme::{Bytes, Context, Response, StatusCode, error::Result, host::Host, openapi::Operation, respond};
///
///     pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
///         let name: String = cx.path("name")?;
///         respond::json(StatusCode::OK, &format!("Ahoy, {name}!"))
///     }
///     pub fn describe(op: Operation) -> Operation {
///         op.path::<String>("name", "Who is greeted.").answers::<String>(200, "The greeting.")
///     }
/// }
///
/// trireme::routes! {
///     Greet GET "/api/v1/greetings/{name}" Public greeting, "Greet somebody";
/// }
/// assert_eq!(operations()[0].name, "Greet");
/// ```
#[macro_export]
macro_rules! routes {
    ($(
        $name:ident $method:ident $path:literal
        $access:ident $(($($option:ident $(($argument:expr))?),+ $(,)?))?
        $module:path, $summary:literal;
    )*) => {
        static ENDPOINTS: &[$crate::Endpoint] = &[$(
            $crate::Endpoint::new(&$crate::Method::$method, $path, $crate::Access::$access)
                $($(.$option($($argument)?))+)?
        ),*];

        /// What answers on a host.
        pub fn routes<H: $crate::host::Host>() -> Vec<$crate::Route<H>> {
            let calls: &[$crate::Call<H>] = &[$(|cx| {
                use $module as module;
                Box::pin(module::handle(cx))
            }),*];
            let route = |(endpoint, call): (_, &_)| $crate::Route { endpoint, call: *call };
            ENDPOINTS.iter().zip(calls).map(route).collect()
        }

        /// What the document says of it.
        pub fn operations() -> Vec<$crate::openapi::Described> {
            let mut endpoints = ENDPOINTS.iter();
            let mut described = Vec::new();
            $({
                use $module as module;
                described.extend(endpoints.next().map(|endpoint| $crate::openapi::Described {
                    endpoint,
                    name: stringify!($name),
                    summary: $summary,
                    describe: module::describe,
                }));
            })*
            described
        }
    };
}
