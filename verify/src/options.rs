//! What a caller of the suite can choose.

use std::fmt;
use std::time::Duration;

use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Uri};

use crate::Journal;

/// How to run the suite.
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) url: BaseUrl,
    /// An origin that the server's `CORS_ORIGINS` lists, if the caller knows one.
    pub origin_allowed: Option<String>,
    /// Whether the server is a production one; otherwise `/health` is asked.
    pub expect_production: Option<bool>,
    /// Make only the checks whose `group/name` contains this.
    pub only: Option<String>,
    /// How long one request may take. 15 s unless set.
    pub timeout: Duration,
    /// How long the run may take, waits for rate limits included, besides half a minute for each
    /// of the product's resources. 180 s unless set; at the default limits a run needs less than a
    /// minute, and one that follows on its heels waits for the address's quota. Checks that the
    /// time does not suffice for fail.
    pub budget: Duration,
    /// Sent with every request, for instance `X-Forwarded-Proto: https` past a proxy.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Where the run's accounts are remembered, in case that it is killed.
    pub journal: Option<Journal>,
}

impl Options {
    /// Options for the server at this `http://` or `https://` address.
    pub fn new(url: &str) -> Result<Self, InvalidUrl> {
        Ok(Self {
            url: BaseUrl::parse(url)?,
            origin_allowed: None,
            expect_production: None,
            only: None,
            timeout: Duration::from_secs(15),
            budget: Duration::from_secs(180),
            headers: Vec::new(),
            journal: None,
        })
    }

    /// Whether these are options for the same address.
    pub fn same_server(&self, other: &Self) -> bool {
        self.url == other.url
    }
}

/// The address is not one of a server: scheme `http` or `https`, a host, no query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUrl;

impl fmt::Display for InvalidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected an address such as https://api.example.com")
    }
}

impl std::error::Error for InvalidUrl {}

/// Scheme, authority and perhaps a path that all requests go below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    pub scheme: Scheme,
    pub authority: Authority,
    pub prefix: String,
}

impl BaseUrl {
    fn parse(url: &str) -> Result<Self, InvalidUrl> {
        let parts = url.parse::<Uri>().map_err(|_| InvalidUrl)?.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(InvalidUrl);
        };
        let path = parts.path_and_query.ok_or(InvalidUrl)?;
        let known = scheme == Scheme::HTTP || scheme == Scheme::HTTPS;
        if !known || path.query().is_some() || authority.as_str().contains('@') {
            return Err(InvalidUrl);
        }
        Ok(Self { scheme, authority, prefix: path.path().trim_end_matches('/').to_owned() })
    }

    /// What a browser on the server's own pages would send as `Origin`.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_addresses_of_servers_only() {
        let base = |url| BaseUrl::parse(url).map(|base| base.to_string());
        assert_eq!(base("http://[::1]:8000/").as_deref(), Ok("http://[::1]:8000"));
        assert_eq!(base("https://example.com/base/").as_deref(), Ok("https://example.com/base"));
        for wrong in
            ["", "localhost:8000", "/", "ftp://a", "http://", "http://a/?x", "http://u:p@a/"]
        {
            assert_eq!(base(wrong), Err(InvalidUrl), "{wrong}");
        }
    }
}
