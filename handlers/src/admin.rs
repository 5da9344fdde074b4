//! What an operator does to accounts, from the command line.

use serde_json::json;
use trireme_core::{
    Code, Error, Timestamp, Uuid,
    auth::password::NewPassword,
    error::Result,
    host::{Database, Host, Scope},
    sql::{Row, Statement},
    validate::{Email, Field, Fields, KnownEmail},
};

use crate::{
    App,
    auth::{self, register::Input},
    users,
};

pub use crate::users::remove::unnamed as unnamed_tables;

/// An account, as an operator sees it.
#[derive(Debug, serde::Serialize)]
pub struct Account {
    pub id: Uuid,
    pub email: String,
    pub name: Option<String>,
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
}

fn password(text: &str) -> Result<NewPassword> {
    read("/password", text)
}

fn read<T: Field>(pointer: &str, text: &str) -> Result<T> {
    T::read(text.into()).map_err(|(code, detail)| {
        Error::invalid(vec![trireme_core::Fault::new(pointer, code, detail)])
    })
}

async fn run<H: Host>(
    host: &H,
    statement: Statement<'_>,
) -> Result<Vec<<H::Database as Database>::Row>, trireme_core::sql::DatabaseError> {
    let mut rows = host.database().batch(Scope::Service, &[statement]).await?;
    Ok(rows.pop().unwrap_or_default())
}

/// Creates an account; gives its id.
pub async fn create<H: Host>(
    host: &H,
    app: &App<H>,
    address: &str,
    secret: &str,
    name: Option<&str>,
) -> Result<Uuid> {
    let body = json!({ "email": address, "password": secret, "name": name });
    let Input { email: Email(email), password, name } = Fields::of_body(body)?.input()?;
    let hash = users::hash(host, app, &password).await?;
    let now = host.now();
    let id = app.ids.next(host, now);
    let create = auth::sql::create_user(id, &email, name.as_deref(), &hash, now);
    run(host, create).await.map_err(|error| {
        error.on_constraint("users_email_key", || {
            Error::new(Code::EMAIL_TAKEN, "Another account has this e-mail address.")
        })
    })?;
    Ok(id)
}

/// At most `limit` accounts, the newest first.
pub async fn list<H: Host>(host: &H, limit: i64) -> Result<Vec<Account>> {
    let statement = Statement::read(
        "-- list_users
         SELECT id, email, name, created_at, disabled_at FROM users
         WHERE deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT $1",
        vec![limit.into()],
    );
    let rows = run(host, statement).await?;
    rows.iter()
        .map(|row| {
            Ok(Account {
                id: row.get(0)?,
                email: row.get::<&str>(1)?.to_owned(),
                name: row.get::<Option<&str>>(2)?.map(str::to_owned),
                created_at: row.get(3)?,
                disabled_at: row.get(4)?,
            })
        })
        .collect()
}

/// Sets a password and ends all sessions of the account.
pub async fn set_password<H: Host>(
    host: &H,
    app: &App<H>,
    address: &str,
    secret: &str,
) -> Result<()> {
    let (user, password) = (find(host, address).await?, password(secret)?);
    let hash = users::hash(host, app, &password).await?;
    let set = Statement::write(
        "-- set_password_of
         UPDATE users SET password_hash = $2, updated_at = $3, version = version + 1,
             generation = generation + 1
         WHERE id = $1 AND deleted_at IS NULL",
        vec![user.into(), hash.into(), host.now().into()],
    );
    run(host, set).await?;
    Ok(())
}

/// Disables an account, or enables it again; disabling ends all its sessions.
pub async fn disable<H: Host>(host: &H, address: &str, disabled: bool) -> Result<()> {
    let user = find(host, address).await?;
    let now = host.now();
    let set = Statement::write(
        "-- disable_user
         UPDATE users SET disabled_at = $2, updated_at = $3, version = version + 1,
             generation = generation + 1
         WHERE id = $1 AND deleted_at IS NULL",
        vec![user.into(), disabled.then_some(now).into(), now.into()],
    );
    run(host, set).await?;
    Ok(())
}

async fn find<H: Host>(host: &H, address: &str) -> Result<Uuid> {
    let email: KnownEmail = read("/email", address)?;
    let rows = run(host, auth::sql::user_by_email(&email.typed, &email.normal)).await?;
    let user = rows.first().ok_or_else(|| {
        Error::new(Code::NOT_FOUND, "There is no account with this e-mail address.")
    })?;
    Ok(user.get(0)?)
}
