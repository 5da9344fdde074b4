use bytes::Bytes;
use http::Response;
use trireme_core::{
    error::Result,
    host::Host,
    page::{Page, PageRequest, Sort},
};
use validator::Validate;

use super::{Context as Record, sql};
use crate::{context::Context, openapi::Operation, respond};

const SORTS: &[Sort] = &[
    Sort { name: "created_at", column: "created_at" },
    Sort { name: "updated_at", column: "updated_at" },
    Sort { name: "name", column: "name" },
];

#[derive(Validate)]
struct NoFilter {}

pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let user = cx.caller()?.user;
    let keys = &cx.app.config.auth.keys;
    let mut query = cx.query()?;
    let page = PageRequest::read(&mut query, keys, "contexts", user, SORTS, "");
    query.finish(NoFilter {})?;
    let page = page?;

    let rows = cx.as_caller(&[page.finish(sql::list(user))]).await?;
    respond::page(cx, &page, &rows[0], Record::read, Record::sort_key).await
}

pub fn describe(op: Operation) -> Operation {
    op.answers::<Page<Record>>(200, "One page.").page(SORTS)
}
