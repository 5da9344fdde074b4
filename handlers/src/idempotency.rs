//! `Idempotency-Key` on the creation of a record: the key, the record and the answer are
//! written in one batch, so that concurrent retries make one record.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderName, Response, StatusCode, header};
use sha2::{Digest, Sha256};
use shared::{
    Code, Error, Fault, Timestamp, Uuid,
    error::Result,
    host::Host,
    sql::{DatabaseError, Row, Statement},
};

use crate::{conditional, context::Context, respond};

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
const MOST: usize = 255;

/// The key of a request, and what tells one request from another.
pub struct Key<'a> {
    key: &'a str,
    user: Uuid,
    fingerprint: String,
}

/// A record that was made, by this request or by an earlier one with the same key.
pub struct Created {
    record: Uuid,
    body: Bytes,
    replayed: bool,
}

impl Created {
    /// 201 with the record's place under `collection` and its tag.
    pub fn response(self, collection: &str, tag: &str) -> Response<Bytes> {
        let response = respond::bytes(StatusCode::CREATED, "application/json", self.body);
        let place = format!("{collection}/{}", self.record);
        let response = respond::with(response, header::LOCATION, &place);
        let response = respond::with(response, header::ETAG, &conditional::etag(tag));
        if self.replayed { respond::with(response, REPLAYED, "true") } else { response }
    }
}

impl<'a> Key<'a> {
    /// The request's key, if it has one: 1 to 255 visible ASCII characters.
    pub fn read<H: Host>(cx: &'a Context<'_, H>) -> Result<Option<Self>> {
        if !cx.headers().contains_key(&HEADER) {
            return Ok(None);
        }
        let key = cx
            .header(&HEADER)
            .filter(|key| {
                (1..=MOST).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
            })
            .ok_or_else(|| {
                Error::invalid(vec![Fault::new(
                    "/Idempotency-Key",
                    "length",
                    "Must be one header of 1 to 255 visible ASCII characters.",
                )])
            })?;
        let mut hash = Sha256::new();
        hash.update(cx.head.uri.path());
        hash.update([0]);
        hash.update(&cx.body);
        let fingerprint = URL_SAFE_NO_PAD.encode(hash.finalize());
        Ok(Some(Self { key, user: cx.caller()?.user, fingerprint }))
    }

    fn forget_expired(&self, now: Timestamp) -> Statement<'_> {
        Statement::write(
            "-- forget_idempotency_key
             DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND expires_at <= $3",
            vec![self.user.into(), self.key.into(), now.into()],
        )
    }

    /// Takes the key for this record; who comes second, even at the same moment, finds it taken.
    fn take<'s>(&'s self, record: Uuid, body: &'s str, now: Timestamp) -> Statement<'s> {
        Statement::write(
            "-- take_idempotency_key
             INSERT INTO idempotency_keys (user_id, key, fingerprint, record_id, response, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (user_id, key) DO NOTHING",
            vec![
                self.user.into(),
                self.key.into(),
                self.fingerprint.as_str().into(),
                record.into(),
                body.into(),
                now.plus(KEPT).into(),
            ],
        )
    }

    fn holder(&self) -> Statement<'_> {
        Statement::read(
            "-- get_idempotency_key
             SELECT record_id, fingerprint, response FROM idempotency_keys
             WHERE user_id = $1 AND key = $2",
            vec![self.user.into(), self.key.into()],
        )
    }

    /// Gives the key back in the same batch when the record was not made after all.
    fn release(&self, record: Uuid, table: &str) -> Statement<'_> {
        Statement::write(
            format!(
                "-- release_idempotency_key
                 DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND record_id = $3
                 AND NOT EXISTS (SELECT 1 FROM {table} WHERE id = $3)"
            ),
            vec![self.user.into(), self.key.into(), record.into()],
        )
    }
}

/// Creates a record in `table` once. `insert` is given the key to bind, and inserts only where
/// the key is NULL or was taken for this very record:
/// `EXISTS (SELECT 1 FROM idempotency_keys WHERE user_id = … AND key = … AND record_id = …)`.
/// `None` when its other conditions did not hold: nothing was written, nor the key kept.
pub async fn create<'s, H: Host>(
    cx: &Context<'_, H>,
    table: &str,
    record: Uuid,
    body: Vec<u8>,
    insert: impl FnOnce(Option<String>) -> Statement<'s>,
    refuse: impl FnOnce(DatabaseError) -> Error,
) -> Result<Option<Created>> {
    let Some(key) = Key::read(cx)? else {
        let rows = cx.as_caller(&[insert(None)]).await.map_err(refuse)?;
        let body = Bytes::from(body);
        return Ok((!rows[0].is_empty()).then_some(Created { record, body, replayed: false }));
    };
    let text = std::str::from_utf8(&body).map_err(Error::internal)?;
    let statements = [
        key.forget_expired(cx.now),
        key.take(record, text, cx.now),
        insert(Some(key.key.to_owned())),
        key.release(record, table),
        key.holder(),
    ];
    let rows = cx.as_caller(&statements).await.map_err(refuse)?;
    let Some(holder) = rows[4].first() else { return Ok(None) };
    let held: Uuid = holder.get(0)?;
    if held == record {
        return Ok(Some(Created { record, body: body.into(), replayed: false }));
    }
    if holder.get::<&str>(1)? != key.fingerprint {
        let detail = "This Idempotency-Key was used for another request.";
        return Err(Error::new(Code::IdempotencyKeyReused, detail));
    }
    let body = Bytes::copy_from_slice(holder.get::<&str>(2)?.as_bytes());
    Ok(Some(Created { record: held, body, replayed: true }))
}
