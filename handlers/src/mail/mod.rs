//! Mail about accounts. A request puts a [`Letter`] into the outbox, in its own batch, and has it sent
//! after the answer; what is not taken then is sent by maintenance, until it is given up.

mod address;
mod language;
mod outbox;
pub mod page;
mod providers;
mod send;
mod template;
mod words;

use std::time::Duration;

use http::header;
use trireme_core::{Timestamp, Uuid, host::Host, sql::Statement};

use crate::context::Context;

pub(crate) use outbox::{due, old, statements, sweep};
pub(crate) use send::next;
pub use template::Template;
pub(crate) use template::sound;

/// How long a letter is tried to be sent, unless its link ends before.
const DAY: Duration = Duration::from_secs(86_400);

/// What a letter is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whoever registered is asked whether the address is theirs.
    ConfirmAddress,
    /// So is whoever changes theirs, at the new one.
    ConfirmNewAddress,
    ResetPassword,
    /// To the old address.
    AddressChanged,
    PasswordChanged,
    /// Somebody registered with the address of an account.
    AccountExists,
}

impl Kind {
    pub const ALL: [Self; 6] = [
        Self::ConfirmAddress,
        Self::ConfirmNewAddress,
        Self::ResetPassword,
        Self::AddressChanged,
        Self::PasswordChanged,
        Self::AccountExists,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConfirmAddress => "confirm_address",
            Self::ConfirmNewAddress => "confirm_new_address",
            Self::ResetPassword => "reset_password",
            Self::AddressChanged => "address_changed",
            Self::PasswordChanged => "password_changed",
            Self::AccountExists => "account_exists",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The page of the frontend that spends the token of its link; it is reached by a GET, which
    /// spends nothing.
    pub const fn page(self) -> Option<&'static str> {
        match self {
            Self::ConfirmAddress | Self::ConfirmNewAddress => Some("/verify-email"),
            Self::ResetPassword => Some("/reset-password"),
            Self::AddressChanged | Self::PasswordChanged | Self::AccountExists => None,
        }
    }
}

/// A letter that a request has sent.
pub struct Letter<'c, 'a, H: Host> {
    cx: &'c Context<'a, H>,
    id: Uuid,
    kind: Kind,
    /// The token's key and the token, sealed.
    sealed: Option<(&'c str, String)>,
    until: Timestamp,
}

impl<'c, 'a, H: Host> Letter<'c, 'a, H> {
    pub fn new(cx: &'c Context<'a, H>, kind: Kind) -> Self {
        Self { cx, id: cx.new_id(), kind, sealed: None, until: cx.now.plus(DAY) }
    }

    /// With a link that holds `token`, which is good until it `ends`.
    pub fn link(mut self, token: &[u8; 32], ends: Timestamp) -> Self {
        let key = self.cx.app.config.auth.keys.signer();
        self.sealed = Some((&key.id, key.seal(self.id, token)));
        self.until = self.until.min(ends);
        self
    }

    /// To an address, about an account if there is one.
    pub fn to<'s>(&'s self, user: Option<Uuid>, address: &'s str) -> Statement<'s> {
        outbox::post(self, user, address)
    }

    /// To whom `query` finds, as `user_id, recipient`: it may be nobody, which the batch does not tell.
    pub fn to_found<'s>(&'s self, query: Statement<'s>) -> Statement<'s> {
        outbox::post_to_found(self, query)
    }

    /// Sends it once the request is answered, if the batch has put it into the outbox.
    pub fn send_later(self) {
        let id = self.id;
        self.cx.later(async move |app, host| {
            if let Err(error) = send::one(app, host, id).await {
                tracing::warn!(target: "mail", letter = %id, %error, "a letter is left to maintenance");
            }
        });
    }

    fn language(&self) -> &'static str {
        let accepted = self.cx.header(header::ACCEPT_LANGUAGE).unwrap_or_default();
        language::choose(accepted, |language| {
            template::find(self.cx.app.product.mail, self.kind, language)
        })
    }
}
