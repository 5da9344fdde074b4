//! What the checks share: the client, a few accounts, and what the server said of itself.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use http::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::client::Client;
use crate::outcome::{Verdict, not_applicable};
use crate::request::Request;
use crate::resource::Resource;
use crate::response::Response;
use crate::{Options, clock};

pub const REGISTER: &str = "/api/v1/auth/register";
pub const LOGIN: &str = "/api/v1/auth/login";
pub const REFRESH: &str = "/api/v1/auth/refresh";
pub const LOGOUT: &str = "/api/v1/auth/logout";
pub const ME: &str = "/api/v1/users/me";
pub const PASSWORD: &str = "/api/v1/users/me/password";
pub const SESSIONS: &str = "/api/v1/users/me/sessions";

/// A well-formed id that no record has.
pub const ABSENT: &str = "01890000-0000-7000-8000-000000000000";

/// What the checks share: the way to the server, and accounts.
pub struct Context {
    pub(crate) client: Client,
    pub options: Options,
    /// The random word in every name that this run makes up: with it, transcripts of two runs are
    /// equal.
    pub tag: String,
    /// The answer to the first `GET /health`.
    pub health: Value,
    /// Those that the product has declared.
    pub(crate) resources: Vec<&'static Resource>,
    referred: Mutex<BTreeMap<Referred, String>>,
    alice: OnceCell<Verdict<Account>>,
    bob: OnceCell<Verdict<Account>>,
    carol: OnceCell<Verdict<Account>>,
    spent: OnceCell<Verdict<SpentRefresh>>,
    accounts: Mutex<Vec<Known>>,
}

/// A user's id, a resource's path, and which of the records there.
pub(crate) type Referred = (String, &'static str, usize);

/// An account that this run registered.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: String,
    /// As the server gives it back: trimmed and in lower case.
    pub email: String,
    pub password: String,
    pub session: Session,
    /// The answer to the registration.
    pub registered: Response,
}

/// One session's tokens.
#[derive(Clone, Debug)]
pub struct Session {
    pub access_token: String,
    pub refresh_token: String,
}

/// A session whose first refresh token was exchanged at a known time.
#[derive(Clone, Debug)]
pub(crate) struct SpentRefresh {
    pub before: Session,
    pub after: Session,
    pub at: Instant,
}

/// An account that has to be deleted in the end, if it exists.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub email: String,
    /// Newest last.
    pub passwords: Vec<String>,
    pub access_token: Option<String>,
}

impl Known {
    pub fn new(email: &str, password: &str) -> Self {
        Self { email: email.to_owned(), passwords: vec![password.to_owned()], access_token: None }
    }
}

impl Context {
    pub(crate) fn new(options: Options) -> Self {
        let tag = random_tag();
        Self {
            client: Client::new(&options, &tag),
            options,
            tag,
            health: Value::Null,
            resources: Vec::new(),
            referred: Mutex::default(),
            alice: OnceCell::new(),
            bob: OnceCell::new(),
            carol: OnceCell::new(),
            spent: OnceCell::new(),
            accounts: Mutex::default(),
        }
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, request: Request) -> Verdict<Response> {
        self.client.send(request).await
    }

    /// What the server calls its environment, unless the caller of the suite knows better.
    pub fn production(&self) -> bool {
        self.options.expect_production.unwrap_or(self.health["environment"] == "production")
    }

    /// Ends a check as not applicable where the service is not the one that reads HTTP off the
    /// wire: on Workers the platform does, and hands over a request that is whole.
    pub(crate) fn reads_the_wire(&self, instead: &str) -> Verdict {
        if self.health["host"] == "workers" {
            return not_applicable(format!("HTTP is read by the platform: {instead}"));
        }
        Ok(())
    }

    /// The account that most checks share. She registers with spaces and capitals in her
    /// address, and with a password beyond ASCII.
    pub async fn alice(&self) -> Verdict<&Account> {
        let email = format!("  Verify-Alice-{}@Example.COM ", self.tag);
        let password = format!("pässwörd {}", self.tag);
        self.shared(&self.alice, email, password, Some("Alice")).await
    }

    /// A stranger to Alice. His password has 72 bytes, the most there may be.
    pub async fn bob(&self) -> Verdict<&Account> {
        let password = format!("{:-<72}", self.tag);
        self.shared(&self.bob, self.email("bob"), password, None).await
    }

    /// She has no records but what a check of pages makes for her.
    pub async fn carol(&self) -> Verdict<&Account> {
        let password = format!("carol's {}", self.tag);
        self.shared(&self.carol, self.email("carol-pages"), password, None).await
    }

    async fn shared<'a>(
        &self,
        cell: &'a OnceCell<Verdict<Account>>,
        email: String,
        password: String,
        name: Option<&str>,
    ) -> Verdict<&'a Account> {
        let register = || self.register(email, password, name);
        cell.get_or_init(register).await.as_ref().map_err(Clone::clone)
    }

    /// An address of this run that is nobody's mailbox.
    pub fn email(&self, who: &str) -> String {
        format!("verify-{who}-{}@example.com", self.tag)
    }

    /// Registers an account for the check's own use. The end of the run deletes it.
    pub async fn register(
        &self,
        email: String,
        password: String,
        name: Option<&str>,
    ) -> Verdict<Account> {
        let mut body = json!({"email": email, "password": password});
        if let Some(name) = name {
            body["name"] = name.into();
        }
        let registered = self.try_register(&body).await?;
        registered.is(201)?;
        Ok(Account {
            id: registered.text("/user/id")?.to_owned(),
            email: registered.text("/user/email")?.to_owned(),
            password,
            session: Session::of(&registered)?,
            registered,
        })
    }

    /// Sends a registration as it is. Whatever account comes of it is deleted in the end,
    /// also when the answer was lost or the server took what it should have refused.
    pub(crate) async fn try_register(&self, body: &Value) -> Verdict<Response> {
        let word = |key: &str| body[key].as_str().unwrap_or_default();
        let (email, password) = (word("email"), word("password"));
        // Before the answer, which a run that is stopped does not see.
        self.note(email, password);
        self.accounts().push(Known::new(email, password));
        let answer = self.send(Request::post(REGISTER).json(body)).await;

        let mut accounts = self.accounts();
        let new = accounts.iter().rposition(|known| known.email == email).unwrap_or_default();
        if answer.as_ref().is_ok_and(|response| response.status.is_client_error()) {
            accounts.remove(new);
        } else {
            let token = answer.as_ref().ok().and_then(|answer| answer.text("/access_token").ok());
            accounts[new].access_token = token.map(str::to_owned);
            // An address that registers again has lost its first account.
            let last = accounts.remove(new);
            accounts.retain(|known| known.email != email);
            accounts.push(last);
        }
        drop(accounts);
        answer
    }

    /// Tells the clean-up that an account is about to have another password.
    pub(crate) fn password_changes(&self, account: &Account, password: &str) {
        self.note(&account.email, password);
        let same = |email: &str| email.trim().eq_ignore_ascii_case(&account.email);
        if let Some(known) = self.accounts().iter_mut().find(|known| same(&known.email)) {
            known.passwords.push(password.to_owned());
        }
    }

    fn note(&self, email: &str, password: &str) {
        if let Some(journal) = &self.options.journal {
            journal.note(email, password);
        }
    }

    /// Takes over accounts of another run.
    pub(crate) fn adopt(&self, accounts: &[Known]) {
        self.accounts().extend_from_slice(accounts);
    }

    /// Hands over the accounts that may still be there.
    pub(crate) fn take_accounts(&self) -> Vec<Known> {
        std::mem::take(&mut *self.accounts())
    }

    pub(crate) async fn try_login(&self, email: &str, password: &str) -> Verdict<Response> {
        self.send(Self::login_request(email, password)).await
    }

    pub(crate) fn login_request(email: &str, password: &str) -> Request {
        Request::post(LOGIN).json(&json!({"email": email, "password": password}))
    }

    pub async fn login(&self, account: &Account) -> Verdict<Session> {
        Session::of(self.try_login(&account.email, &account.password).await?.is(200)?)
    }

    pub(crate) async fn refresh(&self, refresh_token: &str) -> Verdict<Response> {
        self.send(Self::refresh_request(refresh_token)).await
    }

    pub(crate) fn refresh_request(refresh_token: &str) -> Request {
        Request::post(REFRESH).json(&json!({"refresh_token": refresh_token}))
    }

    /// A session of Alice's whose first refresh token is spent; made once, so that a later
    /// check finds the grace window over without having to wait for it.
    pub(crate) async fn spent_refresh(&self) -> Verdict<&SpentRefresh> {
        let spend = || async {
            let before = self.login(self.alice().await?).await?;
            let answer = self.refresh(&before.refresh_token).await?;
            Ok(SpentRefresh { before, after: Session::of(answer.is(200)?)?, at: clock::now() })
        };
        self.spent.get_or_init(spend).await.as_ref().map_err(Clone::clone)
    }

    /// Creates a record and hands out its body.
    pub async fn create(&self, account: &Account, path: &str, body: Value) -> Verdict<Value> {
        self.send(account.post(path).json(&body)).await?.is(201)?.value().cloned()
    }

    pub(crate) fn referred_known(&self, key: &Referred) -> Option<String> {
        self.referred.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(crate) fn remember_referred(&self, key: Referred, id: &str) {
        let mut referred = self.referred.lock().unwrap_or_else(PoisonError::into_inner);
        referred.insert(key, id.to_owned());
    }

    fn accounts(&self) -> std::sync::MutexGuard<'_, Vec<Known>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// The tokens of an answer to a registration, a login or a refresh.
    pub fn of(response: &Response) -> Verdict<Self> {
        Ok(Self {
            access_token: response.text("/access_token")?.to_owned(),
            refresh_token: response.text("/refresh_token")?.to_owned(),
        })
    }

    pub fn get(&self, path: impl Into<String>) -> Request {
        Request::get(path).bearer(&self.access_token)
    }

    /// Whether the access token still opens the account's door.
    pub async fn expect_alive(&self, context: &Context) -> Verdict {
        context.send(self.get(ME)).await?.is(200).map(drop)
    }

    pub async fn expect_ended(&self, context: &Context) -> Verdict {
        context.send(self.get(ME)).await?.unauthorized().map(drop)
    }
}

/// Requests in the account's name, with its first session.
impl Account {
    pub fn request(&self, method: Method, path: impl Into<String>) -> Request {
        Request::new(method, path).bearer(&self.session.access_token)
    }

    pub fn get(&self, path: impl Into<String>) -> Request {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: impl Into<String>) -> Request {
        self.request(Method::POST, path)
    }

    pub fn put(&self, path: impl Into<String>) -> Request {
        self.request(Method::PUT, path)
    }

    pub fn delete(&self, path: impl Into<String>) -> Request {
        self.request(Method::DELETE, path)
    }

    /// A JSON Merge Patch (RFC 7396).
    pub fn patch(&self, path: impl Into<String>, body: &Value) -> Request {
        self.request(Method::PATCH, path).body("application/merge-patch+json", body.to_string())
    }
}

/// Sixteen hexadecimal digits that no other run has.
pub(crate) fn random_tag() -> String {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    format!("{:016x}", u64::from_be_bytes(bytes))
}
