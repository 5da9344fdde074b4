//! A message of mail, and what a host that speaks SMTP is given to send it.

use std::fmt;

use crate::{Secret, Uuid};

/// One message to one person. All of its addresses are in ASCII, domains included.
#[derive(Clone, Debug)]
pub struct Message {
    /// The same each time that it is sent: who gets it twice can tell.
    pub id: Uuid,
    pub from: Mailbox,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// `Ada <ada@example.com>`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mailbox {
    pub name: Option<String>,
    pub address: String,
}

/// Where mail is handed over.
#[derive(Clone, Debug)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// A user and a password.
    pub credentials: Option<(String, Secret)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte.
    Implicit,
    /// By STARTTLS, or nothing is sent.
    Required,
    /// By STARTTLS, where the server offers it.
    Opportunistic,
    Never,
}

/// Why a message was not taken. The words are for the log: they hold no address and nothing of
/// what the other side said but its codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Whoever should take it is away, or takes none of ours: the others need not be tried now.
    Away(String),
    /// This one is not taken now.
    NotNow(String),
    /// This one is never taken.
    Never(String),
}

impl Message {
    /// Of its `Message-ID` header, without the brackets.
    pub fn message_id(&self) -> String {
        let domain = self.from.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        format!("{}@{domain}", self.id)
    }
}

impl Mailbox {
    /// `ada@example.com`, `Ada <ada@example.com>`, `"Lovelace, Ada" <ada@example.com>`.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, address) = match text.strip_suffix('>') {
            Some(text) => text.split_once('<')?,
            None => ("", text),
        };
        let name = name.trim();
        let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
        let (user, domain) = address.split_once('@')?;
        let plain = |c: char| c.is_ascii_graphic() && !"<>(),;:\\\"[]@".contains(c);
        let fits =
            !user.is_empty() && !domain.is_empty() && user.chars().chain(domain.chars()).all(plain);
        let fits = fits && !name.chars().any(|c| c.is_control() || "\"\\<>".contains(c));
        let name = Some(name.to_owned()).filter(|name| !name.is_empty());
        fits.then(|| Self { name, address: address.to_owned() })
    }
}

/// As the header has it.
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "\"{name}\" <{}>", self.address),
            None => f.write_str(&self.address),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Away(why) | Self::NotNow(why) | Self::Never(why)) = self;
        f.write_str(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_an_address_with_or_without_a_name() {
        let shown = |text| Mailbox::parse(text).map(|mailbox| mailbox.to_string());
        for (text, due) in [
            ("ada@example.com", "ada@example.com"),
            ("<ada@example.com>", "ada@example.com"),
            ("Ada <ada@example.com>", "\"Ada\" <ada@example.com>"),
            ("\"Lovelace, Ada\" <ada@localhost>", "\"Lovelace, Ada\" <ada@localhost>"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(due));
        }
        for wrong in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "a@b@c",
            "Ada ada@example.com",
            "Ada <ada@example.com",
            "a b@example.com",
            "A\r\nBcc: eve@example.com <a@example.com>",
            "<a@b>, <c@d>",
            "a@ex\u{e4}mple.com",
        ] {
            assert_eq!(shown(wrong), None, "{wrong}");
        }
    }
}
