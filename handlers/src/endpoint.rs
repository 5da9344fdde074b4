//! An endpoint as data, and the declaration that makes a table of them.

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use http::{Method, Response};
use trireme_core::{
    config::{Config, Quota},
    error::Result,
    host::Host,
    names::{is_same, is_snake},
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
        assert!(
            matches!(
                *method,
                Method::GET | Method::POST | Method::PUT | Method::PATCH | Method::DELETE
            ),
            "HEAD and OPTIONS are answered by themselves, others are not"
        );
        assert!(is_path(path), "a path is like /api/v1/orders/{{id}}/lines/{{number}}");
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
        assert!(is_snake(limit.name), "a limit is called like this_1");
        assert!(
            !is_same(limit.name, "address") && !is_same(limit.name, "account"),
            "the core has a limit of this name"
        );
        assert!(
            matches!(limit.per, Per::Address) || self.access.needs_user(),
            "only users can be counted by user"
        );
        self.limit = Some(limit);
        self
    }
}

/// Parts of letters, digits, `.`, `-` and `_`, or a `{name}` as a whole.
const fn is_path(path: &str) -> bool {
    let path = path.as_bytes();
    let (mut at, mut before, mut open) = (0, b'/', false);
    while at < path.len() {
        let byte = path[at];
        let next = if at + 1 < path.len() { path[at + 1] } else { b'/' };
        let fits = match byte {
            b'/' => at == 0 || before != b'/' && !open,
            b'{' => before == b'/' && !open && next.is_ascii_lowercase(),
            b'}' => open && next == b'/',
            b'_' => true,
            b'.' | b'-' => !open,
            _ if open => byte.is_ascii_lowercase() || byte.is_ascii_digit(),
            _ => byte.is_ascii_alphanumeric(),
        };
        if !fits {
            return false;
        }
        open = byte == b'{' || open && byte != b'}';
        before = byte;
        at += 1;
    }
    path.len() > 1 && path[0] == b'/' && before != b'/' && !open
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_spelling() {
        for path in ["/docs", "/.well-known/jwks.json", "/api/v1/a_b/{id}/lines/{line_1}"] {
            assert!(is_path(path), "{path}");
        }
        for path in [
            "", "/", "api", "/a/", "//a", "/a//b", "/a b", "/ä", "/a%20b", "/a?b", "/{}",
            "/{*rest}", "/{a", "/a}", "/{a}b", "/b{a}", "/{a/b}", "/{A}", "/{1}", "/{{a}}",
            "/{a-b}",
        ] {
            assert!(!is_path(path), "{path}");
        }
    }
}
