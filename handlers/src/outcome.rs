//! What became of a request's statements, told by the rows that they gave.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use trireme_core::{
    Error, Fault, Uuid,
    error::Result,
    host::Host,
    sql::{DatabaseError, Row, Statement},
};

use crate::{
    conditional::{self, Precondition},
    context::Context,
    record::Record,
    respond,
};

/// A record of the caller's that a request refers to: the field that says so, its table, and its id where one is given.
pub type Reference = (&'static str, &'static str, Option<Uuid>);

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

/// Of a record that is only inserted if what it refers to is the caller's own: the answer, or 422
/// that names each reference which is absent or somebody else's. The two look the same.
pub async fn created<H: Host>(
    cx: &Context<'_, H>,
    created: Option<Response<Bytes>>,
    references: &[Reference],
) -> Result<Response<Bytes>> {
    let Some(created) = created else {
        let unknown = unknown_among(cx, references).await?;
        // It came to be in this moment.
        let late = || DatabaseError::Constraint("late_fkey".to_owned()).into();
        return Err(unknown.unwrap_or_else(late));
    };
    Ok(created)
}

/// The same 422, where a change of a record returned nothing (`changed`) and that is why.
pub async fn unknown<H: Host, R: Row>(
    cx: &Context<'_, H>,
    changed: &[R],
    references: &[Reference],
) -> Result<Option<Error>> {
    if changed.is_empty() { unknown_among(cx, references).await } else { Ok(None) }
}

async fn unknown_among<H: Host>(
    cx: &Context<'_, H>,
    references: &[Reference],
) -> Result<Option<Error>> {
    let user = cx.caller()?.user;
    let given: Vec<_> =
        references.iter().filter_map(|&(field, table, id)| Some((field, table, id?))).collect();
    let ask = given.iter().map(|(_, table, id)| {
        let text =
            format!("-- get_reference\nSELECT 1 FROM {table} WHERE user_id = $1 AND id = $2");
        Statement::read(text, vec![user.into(), (*id).into()])
    });
    let ask: Vec<_> = ask.collect();
    if ask.is_empty() {
        return Ok(None);
    }
    let found = cx.as_caller(&ask).await?;
    let unknown = given.iter().zip(&found).filter(|(_, rows)| rows.is_empty());
    let faults: Vec<_> = unknown
        .map(|((field, ..), _)| {
            Fault::new(format!("/{field}"), "unknown_reference", "Is not one of yours.")
        })
        .collect();
    Ok((!faults.is_empty()).then(|| Error::invalid(faults)))
}
