use http::{HeaderValue, Method, header};
use matchit::Params;
use trireme_core::{Code, Error, error::Result, host::Host};

use crate::endpoint::Route;

/// The route tables, made ready for looking paths up.
pub struct Router<H: Host>(matchit::Router<Resource<H>>);

/// One path and what can be done with it.
pub struct Resource<H: Host> {
    pub path: &'static str,
    routes: Vec<Route<H>>,
    pub allow: HeaderValue,
}

/// Where a path leads.
pub struct Found<'r, 'p, H: Host> {
    pub resource: &'r Resource<H>,
    pub params: Params<'r, 'p>,
}

impl<H: Host> Router<H> {
    /// Two routes that clash are a fault of the program's: it panics.
    pub fn new(routes: Vec<Route<H>>) -> Self {
        let mut paths: Vec<(&'static str, Vec<Route<H>>)> = Vec::new();
        for route in routes {
            let path = route.endpoint.path;
            match paths.iter_mut().find(|(known, _)| *known == path) {
                Some((_, routes)) => routes.push(route),
                None => paths.push((path, vec![route])),
            }
        }
        let mut router = matchit::Router::new();
        for (path, routes) in paths {
            let resource = Resource { path, allow: allow(&routes), routes };
            if let Err(error) = router.insert(path, resource) {
                panic!("the route {path} clashes with another: {error}");
            }
        }
        Self(router)
    }

    pub fn find<'p>(&self, path: &'p str) -> Option<Found<'_, 'p, H>> {
        let found = self.0.at(path).ok()?;
        Some(Found { resource: found.value, params: found.params })
    }
}

fn allow<H: Host>(routes: &[Route<H>]) -> HeaderValue {
    let mut allow: Vec<&str> = Vec::new();
    for Route { endpoint, .. } in routes {
        let method = endpoint.method.as_str();
        assert!(!allow.contains(&method), "there are two routes {method} {}", endpoint.path);
        allow.push(method);
    }
    if allow.contains(&"GET") {
        allow.push("HEAD");
    }
    allow.push("OPTIONS");
    HeaderValue::from_str(&allow.join(", ")).expect("methods are plain text")
}

impl<H: Host> Resource<H> {
    /// The route for a method; HEAD is answered as GET.
    pub fn route(&self, method: &Method) -> Result<&Route<H>> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.routes.iter().find(|route| route.endpoint.method == method).ok_or_else(|| {
            Error::new(Code::METHOD_NOT_ALLOWED, "The Allow header names the methods of this path.")
                .with_header(header::ALLOW, self.allow.clone())
        })
    }
}
