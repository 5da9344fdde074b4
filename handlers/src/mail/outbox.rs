use std::time::Duration;

use trireme_core::{
    Timestamp, Uuid,
    host::Host,
    sql::{DecodeError, Row, Statement},
};

use super::{Kind, Letter};

/// A letter as it is kept.
pub struct Kept {
    pub id: Uuid,
    pub kind: Option<Kind>,
    pub language: String,
    pub recipient: String,
    /// The key's name and what it sealed.
    pub sealed: Option<(String, String)>,
    pub created_at: Timestamp,
    pub send_until: Timestamp,
    pub due_at: Option<Timestamp>,
    pub attempts: i64,
}

const COLUMNS: &str =
    "id, kind, language, recipient, key_id, token, created_at, send_until, due_at, attempts";

impl Kept {
    pub fn read<R: Row>(row: &R) -> Result<Self, DecodeError> {
        let key: Option<&str> = row.get(4)?;
        let token: Option<&str> = row.get(5)?;
        Ok(Self {
            id: row.get(0)?,
            kind: Kind::parse(row.get(1)?),
            language: row.get::<&str>(2)?.to_owned(),
            recipient: row.get::<&str>(3)?.to_owned(),
            sealed: key.zip(token).map(|(key, token)| (key.to_owned(), token.to_owned())),
            created_at: row.get(6)?,
            send_until: row.get(7)?,
            due_at: row.get(8)?,
            attempts: row.get(9)?,
        })
    }
}

pub fn post<'s, H: Host>(
    letter: &'s Letter<'_, '_, H>,
    user: Option<Uuid>,
    recipient: &'s str,
) -> Statement<'s> {
    let (key, token) = sealed(letter);
    Statement::write(
        "-- post_letter
         INSERT INTO outbox (id, user_id, kind, language, recipient, key_id, token, created_at, send_until, due_at, attempts)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8, 0)",
        vec![
            letter.id.into(),
            user.into(),
            letter.kind.as_str().into(),
            letter.language().into(),
            recipient.into(),
            key.into(),
            token.into(),
            letter.cx.now.into(),
            letter.until.into(),
        ],
    )
}

pub fn post_to_found<'s, H: Host>(
    letter: &'s Letter<'_, '_, H>,
    query: Statement<'s>,
) -> Statement<'s> {
    let (key, token) = sealed(letter);
    let mut statement = Statement::write("", query.arguments);
    let [id, kind, language] = [
        statement.bind(letter.id),
        statement.bind(letter.kind.as_str()),
        statement.bind(letter.language()),
    ];
    let [key, token] = [statement.bind(key), statement.bind(token)];
    let [now, until] = [statement.bind(letter.cx.now), statement.bind(letter.until)];
    statement.text = format!(
        "-- post_letter_to_found
         INSERT INTO outbox (id, user_id, kind, language, recipient, key_id, token, created_at, send_until, due_at, attempts)
         SELECT ${id}, found.user_id, ${kind}, ${language}, found.recipient, ${key}, ${token}, ${now}, ${until}, ${now}, 0
         FROM (
             {}
         ) AS found",
        query.text
    )
    .into();
    statement
}

fn sealed<'s, H: Host>(letter: &'s Letter<'_, '_, H>) -> (Option<&'s str>, Option<&'s str>) {
    letter.sealed.as_ref().map(|(key, token)| (*key, token.as_str())).unzip()
}

pub fn due(now: Timestamp) -> Statement<'static> {
    Statement::read(
        "-- count_due_letters
         SELECT count(*) FROM (
             SELECT 1 FROM outbox WHERE due_at <= $1 ORDER BY due_at LIMIT 1000000
         ) AS due",
        vec![now.into()],
    )
}

/// The newest fifty.
pub fn newest() -> Statement<'static> {
    Statement::read(
        format!("-- list_letters\nSELECT {COLUMNS} FROM outbox ORDER BY id DESC LIMIT 50"),
        vec![],
    )
}

/// Takes a letter that is due until `until`: this one, else the one that waits longest. Of two that
/// take it at once, the later one finds it put off.
pub fn take(id: Option<Uuid>, now: Timestamp, until: Timestamp) -> Statement<'static> {
    let mut statement = Statement::write("", vec![now.into(), until.into()]);
    let which = match id {
        Some(id) => format!("${}", statement.bind(id)),
        None => "(SELECT id FROM outbox WHERE due_at <= $1 ORDER BY due_at LIMIT 1)".to_owned(),
    };
    statement.text = format!(
        "-- take_letter
         UPDATE outbox SET due_at = $2, attempts = attempts + 1
         WHERE due_at <= $1 AND id = {which}
         RETURNING {COLUMNS}"
    )
    .into();
    statement
}

/// It was taken; nothing of it stays.
pub fn sent(id: Uuid) -> Statement<'static> {
    Statement::write(
        "-- forget_letter\nDELETE FROM outbox WHERE id = $1 RETURNING 1 AS gone",
        vec![id.into()],
    )
}

/// Nothing more is done, and it can still be read.
pub fn shown(id: Uuid) -> Statement<'static> {
    Statement::write(
        "-- show_letter\nUPDATE outbox SET due_at = NULL WHERE id = $1 RETURNING 1 AS shown",
        vec![id.into()],
    )
}

/// Nothing more is done, and its link is gone.
pub fn given_up(id: Uuid) -> Statement<'static> {
    Statement::write(
        "-- give_letter_up
         UPDATE outbox SET due_at = NULL, key_id = NULL, token = NULL WHERE id = $1 RETURNING 1 AS done",
        vec![id.into()],
    )
}

/// Puts off what was taken the n-th time, unless somebody else has taken it since.
pub fn put_off(id: Uuid, attempts: i64, until: Timestamp) -> Statement<'static> {
    Statement::write(
        "-- put_letter_off
         UPDATE outbox SET due_at = $3 WHERE id = $1 AND attempts = $2 AND due_at IS NOT NULL
         RETURNING 1 AS waits",
        vec![id.into(), attempts.into(), until.into()],
    )
}

/// All that sending asks and does, for whoever wants to see how the database goes about it.
pub fn statements(now: Timestamp) -> Vec<Statement<'static>> {
    let id = Uuid::nil();
    let done = [sent(id), shown(id), given_up(id), put_off(id, 1, now)];
    [take(None, now, now), take(Some(id), now, now)].into_iter().chain(done).collect()
}

/// How long letters are kept of which nothing more is done: those that were given up, and in development
/// those that were shown.
const KEPT: Duration = Duration::from_secs(7 * 86_400);

pub fn old(now: Timestamp) -> Statement<'static> {
    Statement::read(
        "-- count_old_letters
         SELECT count(*) FROM (
             SELECT 1 FROM outbox WHERE due_at IS NULL AND created_at <= $1 ORDER BY created_at LIMIT 1000000
         ) AS due",
        vec![now.minus(KEPT).into()],
    )
}

pub fn sweep(now: Timestamp) -> Statement<'static> {
    Statement::write(
        "-- sweep_letters
         DELETE FROM outbox WHERE id IN (
             SELECT id FROM outbox WHERE due_at IS NULL AND created_at <= $1 ORDER BY created_at LIMIT 1000
         ) RETURNING 1 AS gone",
        vec![now.minus(KEPT).into()],
    )
}
