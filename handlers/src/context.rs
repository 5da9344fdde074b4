use std::{cell::Cell, fmt::Debug};

use bytes::Bytes;
use http::{HeaderMap, header, request::Parts};
use matchit::Params;
use serde_json::Value;
use trireme_core::{
    Code, Error, Timestamp, Uuid,
    auth::access::Caller,
    config::Settings,
    error::Result,
    host::{Host, Scope},
    http::forwarded::Client,
    json,
    page::PageRequest,
    sql::{Access, DatabaseError, Statement},
    validate::{Fields, Input, PathValue},
};

use crate::{
    App,
    database::{self, RowOf},
    record::Sorted,
};

/// A request on its way through its handler, and what the handler may ask for.
pub struct Context<'a, H: Host> {
    pub app: &'a App<H>,
    pub host: &'a H,
    pub head: &'a Parts,
    pub body: Bytes,
    /// When the request arrived; everything that it writes bears this moment.
    pub now: Timestamp,
    pub client: Client,
    pub caller: Option<Caller>,
    pub(crate) params: Params<'a, 'a>,
    /// A batch that writes is under way: who stops waiting now does not know what became of it.
    pub(crate) writing: Cell<bool>,
}

/// A body up to this size is parsed at once: even the densest takes less than a millisecond.
const AT_ONCE: usize = 32 << 10;

impl<H: Host> Context<'_, H> {
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// A header's text; `None` when it is absent, given twice, or not visible ASCII.
    pub fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        let mut values = self.head.headers.get_all(name).iter();
        let value = values.next().filter(|_| values.next().is_none())?;
        value.to_str().ok()
    }

    /// The caller of a route that only users may call.
    pub fn caller(&self) -> Result<Caller> {
        self.caller.ok_or_else(|| Error::internal("a user's handler was called without one"))
    }

    /// A `{name}` of the path; 404 for what is none of its kind, which names nothing. A name that the
    /// path has not is a fault of the handler's.
    pub fn path<T: PathValue>(&self, name: &str) -> Result<T> {
        let part = self.params.get(name);
        let part = part.ok_or_else(|| Error::internal(["the path has no part ", name].concat()))?;
        T::parse(part).ok_or_else(Error::not_found)
    }

    /// The `{id}` of the path.
    pub fn id(&self) -> Result<Uuid> {
        self.path("id")
    }

    /// What the product declares to be set.
    pub fn settings(&self) -> &Settings {
        &self.app.config.settings
    }

    /// The fields of the JSON body. A PATCH is a merge patch (RFC 7396), under either name.
    pub async fn fields(&self) -> Result<Fields> {
        let unsupported = |detail| Error::new(Code::UNSUPPORTED_MEDIA_TYPE, detail);
        if self.headers().contains_key(header::CONTENT_ENCODING) {
            return Err(unsupported("The body must not be compressed."));
        }
        let media = self.header(header::CONTENT_TYPE).unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim();
        let merge_patch = self.head.method == http::Method::PATCH
            && media.eq_ignore_ascii_case("application/merge-patch+json");
        if !media.eq_ignore_ascii_case("application/json") && !merge_patch {
            return Err(unsupported("Content-Type must be application/json."));
        }
        let body: Value = if self.body.len() <= AT_ONCE {
            json::parse(&self.body)?
        } else {
            let body = self.body.clone();
            self.host.compute(move || json::parse(&body)).await??
        };
        Fields::of_body(body)
    }

    /// The input in the JSON body.
    pub async fn input<T: Input>(&self) -> Result<T> {
        self.fields().await?.input()
    }

    /// What the query asks for of a list of `T`: a page, and which records. A cursor belongs to the
    /// list of this name, its user, sort and filter.
    pub fn page<'r, T: Sorted<'r>, F: Input + Debug>(
        &self,
        list: &str,
    ) -> Result<(PageRequest, F)> {
        let mut query = Fields::of_query(self.head.uri.query().unwrap_or_default())?;
        let filter = F::take(&mut query);
        let keys = &self.app.config.auth.keys;
        let spelled = format!("{filter:?}");
        let page =
            PageRequest::read(&mut query, keys, list, self.caller()?.user, T::SORTS, &spelled);
        let filter = query.finish(filter)?;
        Ok((page?, filter))
    }

    /// Runs statements in the caller's name, in one round trip.
    pub async fn as_caller(
        &self,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<RowOf<H>>>, DatabaseError> {
        let Some(Caller { user, session }) = self.caller else {
            return Err(DatabaseError::Failed("a user's statements without a user".to_owned()));
        };
        self.batch(Scope::User { user, session }, statements).await
    }

    /// Runs statements in the service's name: only where nobody is signed in yet.
    pub async fn as_service(
        &self,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<RowOf<H>>>, DatabaseError> {
        self.batch(Scope::Service, statements).await
    }

    async fn batch(
        &self,
        scope: Scope,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<RowOf<H>>>, DatabaseError> {
        self.writing.set(statements.iter().any(|statement| statement.access == Access::Write));
        let results = database::batch(self.host, &self.app.schema, scope, statements).await;
        self.writing.set(false);
        results
    }

    /// Work that the answer does not wait for; see [`Host::later`].
    pub fn later(&self, work: impl AsyncFnOnce(&App<H>, &H) + 'static) {
        let app = self.app.clone();
        self.host.later(async move |host: &H| work(&app, host).await);
    }

    /// A new identifier, greater than all that this instance made before.
    pub fn new_id(&self) -> Uuid {
        self.app.ids.next(self.host, self.now)
    }
}
