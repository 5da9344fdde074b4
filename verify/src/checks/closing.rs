//! What every run ends with.

use serde_json::json;

use crate::context::{Context, Known, LOGIN, ME};
use crate::outcome::{Failure, Stop, Verdict, failed, not_applicable};
use crate::request::Request;
use crate::response::Response;

/// Deletes the accounts that the run registered, whatever became of its checks.
pub async fn accounts_deleted(context: &Context) -> Verdict {
    let accounts = context.take_accounts();
    if accounts.is_empty() {
        return not_applicable("the run registered no account");
    }
    let mut left = Vec::new();
    for account in accounts {
        if let Err(Stop::Failed(Failure { request, actual, .. })) = delete(context, &account).await
        {
            left.push(format!("{} ({request}: {actual})", account.email));
        }
    }
    if left.is_empty() {
        Ok(())
    } else {
        failed("the accounts", "all of them deleted", left.join(", "))
    }
}

/// With the first session while that lives, else by logging in anew. Who cannot log in with
/// any of the passwords is gone, or never was: a run also tries passwords that are refused as such.
async fn delete(context: &Context, account: &Known) -> Verdict {
    let newest = account.passwords.last().map_or("", String::as_str);
    if let Some(token) = &account.access_token {
        let answer = attempt(context, token, newest).await?;
        if answer.status == 204 {
            return Ok(());
        }
    }
    for password in account.passwords.iter().rev() {
        let body = json!({"email": account.email, "password": password});
        let login = context.send(Request::post(LOGIN).json(&body).unrecorded()).await?;
        if login.is_one_of(&[200, 401, 422])?.status == 200 {
            return attempt(context, login.text("/access_token")?, password)
                .await?
                .is(204)
                .map(drop);
        }
    }
    Ok(())
}

async fn attempt(context: &Context, token: &str, password: &str) -> Verdict<Response> {
    let request = Request::new(http::Method::DELETE, ME).bearer(token).unrecorded();
    context.send(request.json(&json!({"password": password}))).await
}

/// What was wrong with answers of any kind, and any 500 that was seen.
pub async fn every_response(context: &Context) -> Verdict {
    let faults = context.client.faults();
    let Some((request, _)) = faults.first() else { return Ok(()) };
    let shown = faults.iter().take(10);
    let mut lines: Vec<String> =
        shown.map(|(request, fault)| format!("{fault} (first at {request})")).collect();
    if faults.len() > lines.len() {
        lines.push(format!("{} more", faults.len() - lines.len()));
    }
    failed(request.clone(), "what holds for every response", lines.join("; "))
}
