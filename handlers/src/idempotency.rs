//! `Idempotency-Key` on the creation of a record: the key and the record are written in one batch,
//! so that concurrent retries make one record. The answer is not kept: it follows from the request,
//! which a retry brings along, and from the id and the moment that the key was taken for.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderName, Response, StatusCode, header};
use sha2::{Digest, Sha256};
use trireme_core::{
    Code, Error, Fault, Timestamp, Uuid,
    error::Result,
    host::Host,
    sql::{DatabaseError, Row, Statement},
};

use crate::{conditional, context::Context, record::Record, respond};

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
const MOST: usize = 255;
/// What is hashed without a pause: some hundreds of microseconds.
const SLICE: usize = 64 << 10;

/// The key of a request, and what tells one request from another.
pub struct Key<'a> {
    key: &'a str,
    user: Uuid,
    /// Of path and body, under each key of the server's: whoever reads the table can't tell what
    /// was asked, nor check a guess. The first is written.
    fingerprints: Vec<String>,
}

impl<'a> Key<'a> {
    /// The request's key, if it has one: 1 to 255 visible ASCII characters.
    pub async fn read<H: Host>(cx: &'a Context<'_, H>) -> Result<Option<Self>> {
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
        for (number, slice) in cx.body.chunks(SLICE).enumerate() {
            if number > 0 {
                cx.host.pause().await;
            }
            hash.update(slice);
        }
        let hash = URL_SAFE_NO_PAD.encode(hash.finalize());
        let keys = cx.app.config.auth.keys.keys.iter();
        let veiled = keys.map(|key| key.veiled("request", &hash));
        // Last as it was before migration 4, for a retry across that.
        let fingerprints = veiled.chain([hash.clone()]).collect();
        Ok(Some(Self { key, user: cx.caller()?.user, fingerprints }))
    }

    fn forget_expired(&self, now: Timestamp) -> Statement<'_> {
        Statement::write(
            "-- forget_idempotency_key
             DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND expires_at <= $3",
            vec![self.user.into(), self.key.into(), now.into()],
        )
    }

    /// Takes the key for this record; who comes second, even at the same moment, finds it taken.
    fn take(&self, record: Uuid, now: Timestamp) -> Statement<'_> {
        Statement::write(
            "-- take_idempotency_key
             INSERT INTO idempotency_keys (user_id, key, fingerprint, record_id, response, expires_at)
             VALUES ($1, $2, $3, $4, '', $5)
             ON CONFLICT (user_id, key) DO NOTHING",
            vec![
                self.user.into(),
                self.key.into(),
                self.fingerprints[0].as_str().into(),
                record.into(),
                now.plus(KEPT).into(),
            ],
        )
    }

    fn holder(&self) -> Statement<'_> {
        Statement::read(
            "-- get_idempotency_key
             SELECT record_id, fingerprint, expires_at FROM idempotency_keys
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

pub fn due(now: Timestamp) -> Statement<'static> {
    Statement::read(
        "-- count_expired_answers
         SELECT count(*) FROM (
             SELECT 1 FROM idempotency_keys WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000000
         ) AS due",
        vec![now.into()],
    )
}

/// Removes a piece of those that are not kept any longer. One may be taken anew in this moment,
/// so the condition stands outside as well.
pub fn sweep(now: Timestamp) -> Statement<'static> {
    Statement::write(
        "-- sweep_answers
         DELETE FROM idempotency_keys WHERE expires_at <= $1 AND (user_id, key) IN (
             SELECT user_id, key FROM idempotency_keys WHERE expires_at <= $1
             ORDER BY expires_at LIMIT 1000
         ) RETURNING 1 AS gone",
        vec![now.into()],
    )
}

/// Creates a record in `table` once: 201 with the record, its `ETag`, and its place under the request's own
/// path. `answer` is the record that this request makes, with an id and the moment of its making,
/// and depends on nothing else. `insert` is given the key to bind, and inserts only where
/// the key is NULL or was taken for this very record:
/// `EXISTS (SELECT 1 FROM idempotency_keys WHERE user_id = … AND key = … AND record_id = …)`.
/// `None` when its other conditions did not hold: nothing was written, nor the key kept.
pub async fn create<'s, 't, H: Host, T: Record<'t>>(
    cx: &Context<'_, H>,
    table: &str,
    id: Uuid,
    answer: impl Fn(Uuid, Timestamp) -> T,
    insert: impl FnOnce(Option<String>) -> Statement<'s>,
    refuse: impl FnOnce(DatabaseError) -> Error,
) -> Result<Option<Response<Bytes>>> {
    let Some(key) = Key::read(cx).await? else {
        let rows = cx.as_caller(&[insert(None)]).await.map_err(refuse)?;
        if rows[0].is_empty() {
            return Ok(None);
        }
        return created(cx, id, &answer(id, cx.now)).map(Some);
    };
    let statements = [
        key.forget_expired(cx.now),
        key.take(id, cx.now),
        insert(Some(key.key.to_owned())),
        key.release(id, table),
        key.holder(),
    ];
    let rows = cx.as_caller(&statements).await.map_err(refuse)?;
    let Some(holder) = rows[4].first() else { return Ok(None) };
    let held: Uuid = holder.get(0)?;
    if held == id {
        return created(cx, id, &answer(id, cx.now)).map(Some);
    }
    let fingerprint = holder.get::<&str>(1)?;
    if !key.fingerprints.iter().any(|known| known == fingerprint) {
        let detail = "This Idempotency-Key was used for another request.";
        return Err(Error::new(Code::IDEMPOTENCY_KEY_REUSED, detail));
    }
    let made = holder.get::<Timestamp>(2)?.minus(KEPT);
    let response = created(cx, held, &answer(held, made))?;
    Ok(Some(respond::with(response, REPLAYED, "true")))
}

fn created<'t, H: Host>(
    cx: &Context<'_, H>,
    id: Uuid,
    record: &impl Record<'t>,
) -> Result<Response<Bytes>> {
    let response = respond::json(StatusCode::CREATED, record)?;
    let place = format!("{}/{id}", cx.head.uri.path());
    let response = respond::with(response, header::LOCATION, &place);
    Ok(respond::with(response, header::ETAG, &conditional::etag(&record.tag())))
}
