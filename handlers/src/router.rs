use http::{HeaderValue, Method, header};
use trireme_core::{Code, Error, error::Result};

use crate::routes::{Route, TABLE};

/// The route table, made ready for looking paths up.
pub struct Router(matchit::Router<Resource>);

/// One path and what can be done with it.
pub struct Resource {
    pub routes: Vec<&'static Route>,
    pub allow: HeaderValue,
    /// Whether its GET takes parameters in the query.
    pub takes_query: bool,
}

/// Where a path leads.
pub struct Found<'r, 'p> {
    pub resource: &'r Resource,
    pub id: Option<&'p str>,
}

impl Router {
    pub fn new() -> Self {
        let mut paths: Vec<&'static str> = Vec::new();
        for route in TABLE {
            if !paths.contains(&route.path) {
                paths.push(route.path);
            }
        }
        let mut router = matchit::Router::new();
        for path in paths {
            let routes: Vec<_> = TABLE.iter().filter(|route| route.path == path).collect();
            let mut allow: Vec<&str> = routes.iter().map(|route| route.method.as_str()).collect();
            if allow.contains(&"GET") {
                allow.push("HEAD");
            }
            allow.push("OPTIONS");
            let allow = HeaderValue::from_str(&allow.join(", ")).expect("methods are plain text");
            let takes_query = routes.iter().any(|route| route.takes_query());
            router
                .insert(path, Resource { routes, allow, takes_query })
                .expect("the table has no clash");
        }
        Self(router)
    }

    pub fn find<'p>(&self, path: &'p str) -> Option<Found<'_, 'p>> {
        let found = self.0.at(path).ok()?;
        Some(Found { resource: found.value, id: found.params.get("id") })
    }
}

impl Resource {
    /// The route for a method; HEAD is answered as GET.
    pub fn route(&self, method: &Method) -> Result<&'static Route> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.routes.iter().find(|route| route.method == method).copied().ok_or_else(|| {
            Error::new(Code::METHOD_NOT_ALLOWED, "The Allow header names the methods of this path.")
                .with_header(header::ALLOW, self.allow.clone())
        })
    }
}
