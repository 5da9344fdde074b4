//! What became of a request's statements, told by the rows that they gave.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use trireme_core::{Error, error::Result, sql::Row};

use crate::{
    conditional::{self, Precondition},
    record::Record,
    respond,
};

/// 200 with the record and its `ETag`; 404 where there is none.
pub fn found<'r, T: Record<'r>, R: Row>(rows: &'r [R]) -> Result<Response<Bytes>> {
    let record = T::read(rows.first().ok_or_else(Error::not_found)?)?;
    let response = respond::json(StatusCode::OK, &record)?;
    Ok(respond::with(response, header::ETAG, &conditional::etag(&record.tag())))
}

/// Of a batch that changes a record (`changed`: what that returned) and then reads it (`now`): 200
/// with what it is now, 404 where there is none, 412 where it is not what `If-Match` demands. What
/// else can keep the record from being changed is told by `refused`.
pub fn changed<'r, T: Record<'r>, R: Row>(
    changed: &[R],
    now: &'r [R],
    demanded: &Precondition,
    refused: impl FnOnce() -> Option<Error>,
) -> Result<Response<Bytes>> {
    if changed.is_empty() {
        let record = T::read(now.first().ok_or_else(Error::not_found)?)?;
        let refused = if demanded.holds(&record.tag()) { refused() } else { None };
        return Err(refused.unwrap_or_else(Precondition::failed));
    }
    found::<T, R>(now)
}

/// Of a batch that reads a record (`before`) and then deletes it (`gone`: what that returned): 204,
/// 404 where there was none, 412 where it was not what `If-Match` demands.
pub fn deleted<R: Row>(
    before: &[R],
    gone: &[R],
    demanded: &Precondition,
) -> Result<Response<Bytes>> {
    match (before.is_empty(), gone.is_empty()) {
        (_, false) => Ok(respond::no_content()),
        (false, true) if demanded.is_given() => Err(Precondition::failed()),
        _ => Err(Error::not_found()),
    }
}
