//! The one route table: method, path, who may call, and the module that answers.
//!
//! A line is all that a new endpoint needs here. Its module has `handle`, which answers, and
//! `describe`, which tells the OpenAPI document what it takes and gives.

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use http::{Method, Response};
use trireme_core::{error::Result, host::Host};

use crate::{
    auth, context::Context, contexts, docs, health, jwks, openapi::Operation, tasks, users,
};

/// Who may call, and what is counted when they do.
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
    pub const fn is_limited(self) -> bool {
        matches!(self, Self::Credential | Self::UserCredential)
    }
}

/// One line of the table.
pub struct Route {
    pub method: &'static Method,
    pub path: &'static str,
    pub access: Access,
    pub summary: &'static str,
    endpoint: Endpoint,
}

macro_rules! routes {
    ($($name:ident $method:ident $path:literal $access:ident $module:path, $summary:literal;)*) => {
        #[derive(Clone, Copy, PartialEq, Eq)]
        enum Endpoint { $($name),* }

        pub const TABLE: &[Route] = &[$(Route {
            method: &Method::$method,
            path: $path,
            access: Access::$access,
            summary: $summary,
            endpoint: Endpoint::$name,
        }),*];

        impl Route {
            /// Calls the endpoint. Boxed, since an isolate on Workers compiles a function when it
            /// is first called: this endpoint's then, and not that of all in one.
            pub fn call<'c, H: Host>(
                &self,
                cx: &'c Context<'_, H>,
            ) -> LocalBoxFuture<'c, Result<Response<Bytes>>> {
                match self.endpoint {
                    $(Endpoint::$name => { use $module as module; Box::pin(module::handle(cx)) })*
                }
            }
            /// Tells the document what the endpoint takes and gives.
            pub fn describe(&self, operation: Operation) -> Operation {
                match self.endpoint {
                    $(Endpoint::$name => { use $module as module; module::describe(operation) })*
                }
            }
            /// A name for this operation in clients made from the OpenAPI document.
            pub const fn name(&self) -> &'static str {
                match self.endpoint { $(Endpoint::$name => stringify!($name)),* }
            }
        }
    };
}

routes! {
    Live GET "/health/live" Public health::live, "The process can answer";
    Ready GET "/health/ready" Public health::ready, "The instance takes requests";
    Health GET "/health" Public health::deep, "The instance and its database";
    ApiHealth GET "/api/v1/health" Public health::deep, "The instance and its database";
    OpenApi GET "/openapi.json" Public docs::openapi, "This document";
    Docs GET "/docs" Public docs::page, "A page over this document";
    DocsScript GET "/docs/app.js" Public docs::script, "The page's script";
    DocsParts GET "/docs/parts.js" Public docs::parts, "What the page is made of";
    DocsRequest GET "/docs/request.js" Public docs::request, "The page's forms";
    DocsSchema GET "/docs/schema.js" Public docs::schema, "The page's reading of this document";
    DocsStyle GET "/docs/style.css" Public docs::style, "The page's style";
    Jwks GET "/.well-known/jwks.json" Public jwks, "The public keys of access tokens";

    Register POST "/api/v1/auth/register" Credential auth::register, "Create an account and sign in";
    Login POST "/api/v1/auth/login" Credential auth::login, "Sign in";
    Refresh POST "/api/v1/auth/refresh" Credential auth::refresh, "Exchange a refresh token for new tokens";
    Logout POST "/api/v1/auth/logout" Credential auth::logout, "End a session";

    GetMe GET "/api/v1/users/me" User users::get, "Read the own account";
    UpdateMe PATCH "/api/v1/users/me" User users::update, "Change the own account";
    DeleteMe DELETE "/api/v1/users/me" UserCredential users::delete, "Delete the own account and every trace of it";
    ChangePassword POST "/api/v1/users/me/password" UserCredential users::password, "Change the password and end all other sessions";
    ListSessions GET "/api/v1/users/me/sessions" User users::sessions::list, "List the own sessions";
    EndSession DELETE "/api/v1/users/me/sessions/{id}" User users::sessions::end, "End one of the own sessions";

    ListContexts GET "/api/v1/contexts" User contexts::list, "List contexts";
    CreateContext POST "/api/v1/contexts" User contexts::create, "Create a context";
    GetContext GET "/api/v1/contexts/{id}" User contexts::get, "Read a context";
    UpdateContext PATCH "/api/v1/contexts/{id}" User contexts::update, "Change a context";
    DeleteContext DELETE "/api/v1/contexts/{id}" User contexts::delete, "Delete a context; its tasks stay";

    ListTasks GET "/api/v1/tasks" User tasks::list, "List tasks";
    CreateTask POST "/api/v1/tasks" User tasks::create, "Create a task";
    GetTask GET "/api/v1/tasks/{id}" User tasks::get, "Read a task";
    UpdateTask PATCH "/api/v1/tasks/{id}" User tasks::update, "Change a task";
    DeleteTask DELETE "/api/v1/tasks/{id}" User tasks::delete, "Delete a task";
}

impl Route {
    /// Whether the endpoint reads parameters of the query; a test holds it to its description.
    pub const fn takes_query(&self) -> bool {
        matches!(self.endpoint, Endpoint::ListContexts | Endpoint::ListTasks)
    }
}
