//! Mail: what takes it, from whom it is, and where its links lead.

use percent_encoding::percent_decode_str;

use super::{Environment, Mail, Transport, parse::Reader};
use crate::{
    Secret,
    http::cors::OriginPattern,
    mail::{Mailbox, Smtp, Tls},
};

const SUBMISSION: u16 = 587;
const SUBMISSIONS: u16 = 465;

/// Whichever is set says what takes mail.
const TRANSPORTS: [&str; 4] = ["SMTP_URL", "SMTP_HOST", "RESEND_API_KEY", "POSTMARK_SERVER_TOKEN"];

impl Mail {
    /// Whether letters reach anybody: their reader, or in development whoever looks at the log.
    pub const fn is_configured(&self) -> bool {
        !matches!(self.transport, Transport::None)
    }
}

impl Reader<'_> {
    /// `has_sockets` where the host can speak SMTP.
    pub fn mail(&mut self, has_sockets: bool) -> Mail {
        let transport = self.transport(has_sockets);
        let sends = !matches!(transport, Transport::None | Transport::Shown);
        Mail { from: self.from(sends), app_url: self.app_url(sends), transport }
    }

    fn transport(&mut self, has_sockets: bool) -> Transport {
        let mut set = TRANSPORTS.into_iter().filter_map(|name| Some((name, self.text(name)?)));
        let first = set.next();
        let second = set.next().map(|(name, _)| name);
        let Some((name, text)) = first else {
            return match self.environment() {
                Environment::Development => Transport::Shown,
                Environment::Staging | Environment::Production => Transport::None,
            };
        };
        if let Some(second) = second {
            self.fault(second, &format!("is set, and {name} as well: one of them takes the mail"));
        }
        if name.starts_with("SMTP") && !has_sockets {
            self.fault(
                name,
                "is for the native host: here mail goes by RESEND_API_KEY or POSTMARK_SERVER_TOKEN",
            );
        }
        match name {
            "SMTP_URL" => smtp(&text).map_or_else(
                || {
                    self.fault(name, "must read like smtp://user:password@host:587 or smtps://user:password@host:465, user and password percent-encoded; ?tls= may be required, opportunistic or never");
                    Transport::None
                },
                Transport::Smtp,
            ),
            "SMTP_HOST" => Transport::Smtp(self.smtp(text)),
            "RESEND_API_KEY" => Transport::Resend {
                key: self.secret(name).unwrap_or_default(),
                url: self
                    .base_url("RESEND_BASE_URL")
                    .unwrap_or_else(|| "https://api.resend.com".to_owned()),
            },
            _ => Transport::Postmark(self.secret(name).unwrap_or_default()),
        }
    }

    /// In parts, as many stacks have it.
    fn smtp(&mut self, host: String) -> Smtp {
        if !is_host(&host) {
            self.fault("SMTP_HOST", "must be a host name or an address, without a port");
        }
        let (ssl, starttls) = (self.flag("SMTP_SSL", false), self.flag("SMTP_TLS", true));
        let tls = match (ssl, starttls) {
            (true, _) => Tls::Implicit,
            (false, true) => Tls::Required,
            (false, false) => Tls::Never,
        };
        let port = if ssl { SUBMISSIONS } else { SUBMISSION };
        let port = self.number("SMTP_PORT", port.into(), 1..=65535) as u16;
        let credentials = match (self.text("SMTP_USER"), self.text("SMTP_PASSWORD")) {
            (Some(user), Some(password)) => Some((user, Secret::new(password))),
            (None, None) => None,
            (Some(_), None) => {
                self.fault("SMTP_PASSWORD", "is missing, and SMTP_USER is set");
                None
            }
            (None, Some(_)) => {
                self.fault("SMTP_USER", "is missing, and SMTP_PASSWORD is set");
                None
            }
        };
        Smtp { host, port, tls, credentials }
    }

    fn from(&mut self, sends: bool) -> Mailbox {
        let read = ["EMAIL_FROM", "EMAILS_FROM_EMAIL"];
        let Some((name, text)) = read.into_iter().find_map(|name| Some((name, self.text(name)?)))
        else {
            if sends {
                self.fault("EMAIL_FROM", "is missing; write Name <no-reply@example.com>");
            }
            return Mailbox { name: None, address: "trireme@localhost".to_owned() };
        };
        Mailbox::parse(&text).unwrap_or_else(|| {
            self.fault(
                name,
                "must be an address in ASCII, or read like Name <no-reply@example.com>",
            );
            Mailbox::default()
        })
    }

    fn app_url(&mut self, sends: bool) -> String {
        let read = ["APP_URL", "FRONTEND_HOST"].into_iter().find_map(|name| self.base_url(name));
        let development = self.environment() == Environment::Development;
        if read.is_none() && sends && !development {
            self.fault("APP_URL", "is missing; links in mail lead there: https://app.example.com");
        }
        read.unwrap_or_else(|| "http://localhost:3000".to_owned())
    }

    /// An origin, with or without a path; outside development by HTTPS. Without a trailing slash.
    fn base_url(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        let text = text.trim_end_matches('/');
        let from = text.find("://").map_or(0, |at| at + 3);
        let (origin, path) =
            text.split_at(text[from..].find('/').map_or(text.len(), |at| from + at));
        let is_origin = OriginPattern::parse(origin).is_some_and(|origin| !origin.has_wildcard());
        let is_path = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~%".contains(&b));
        let secure = text.starts_with("https://") || self.environment() == Environment::Development;
        if !is_origin || !is_path {
            self.fault(name, "must be a URL such as https://app.example.com, without a query");
        } else if !secure {
            self.fault(name, "must begin with https:// outside development");
        }
        Some(text.to_owned())
    }
}

/// `smtp://user:password@host:port?tls=required`. Without `tls` a server that is elsewhere has to
/// encrypt, and one on this machine need not: its certificate is seldom one that anybody vouches for.
fn smtp(url: &str) -> Option<Smtp> {
    let (scheme, rest) = url.split_once("://")?;
    let implicit = match scheme {
        "smtp" => false,
        "smtps" => true,
        _ => return None,
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (credentials, authority) = match rest.rsplit_once('@') {
        Some((credentials, authority)) => (Some(credentials.split_once(':')?), authority),
        None => (None, rest),
    };
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    let (host, port) = match authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
        Some((host, port)) => (host, Some(port.parse().ok().filter(|port| *port > 0)?)),
        None => (authority, None),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let tls = match (implicit, query) {
        (true, "") => Tls::Implicit,
        (false, "tls=opportunistic") => Tls::Opportunistic,
        (false, "tls=never") => Tls::Never,
        (false, "") if matches!(host, "localhost" | "127.0.0.1" | "::1") => Tls::Never,
        (false, "tls=required" | "") => Tls::Required,
        _ => return None,
    };
    let decode = |text| percent_decode_str(text).decode_utf8().ok();
    let credentials = match credentials {
        Some((user, password)) => {
            Some((decode(user)?.into_owned(), Secret::new(decode(password)?)))
        }
        None => None,
    };
    let port = port.unwrap_or(if implicit { SUBMISSIONS } else { SUBMISSION });
    is_host(host).then(|| Smtp { host: host.to_owned(), port, tls, credentials })
}

/// A name or an address, and nothing around it.
fn is_host(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    !text.is_empty() && (text.bytes().all(plain) || text.parse::<std::net::Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_reads_like_a_url() {
        let read = |url| smtp(url).map(|smtp| (smtp.host, smtp.port, smtp.tls));
        for (url, host, port, tls) in [
            ("smtp://mail.example.com", "mail.example.com", 587, Tls::Required),
            (
                "smtp://mail.example.com:25/?tls=opportunistic",
                "mail.example.com",
                25,
                Tls::Opportunistic,
            ),
            ("smtp://mail?tls=never", "mail", 587, Tls::Never),
            ("smtp://localhost:1025", "localhost", 1025, Tls::Never),
            ("smtp://[::1]:1025?tls=required", "::1", 1025, Tls::Required),
            ("smtps://mail.example.com", "mail.example.com", 465, Tls::Implicit),
        ] {
            assert_eq!(read(url), Some((host.to_owned(), port, tls)), "{url}");
        }
        for wrong in [
            "mail.example.com",
            "http://mail.example.com",
            "smtp://",
            "smtp://user@mail.example.com",
            "smtp://mail.example.com:0",
            "smtp://mail.example.com:x",
            "smtp://mail.example.com?tls=maybe",
            "smtps://mail.example.com?tls=never",
            "smtp://ma il",
            "smtp://mail/inbox",
            "smtp://u:%ff@mail",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        let (user, password) =
            smtp("smtp://ada%40example.com:p%3Aw%40@mail").unwrap().credentials.unwrap();
        assert_eq!((user.as_str(), password.reveal()), ("ada@example.com", "p:w@"));
    }
}
