//! What every product has: health, documents, keys, signing in, the own account.

use crate::{auth, docs, health, jwks, mail, users};

crate::routes! {
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
    DevMail GET "/dev/mail" Public mail::page, "Letters, in development";
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
}
