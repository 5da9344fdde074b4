//! From a kind and a language to the words of a message.

use super::{Kind, language, words::WORDS};

/// What a letter says. `{product}` stands for the product's title, `{link}` for the link, and for one to
/// another page of the frontend `{app}` and `{token}`, as in `{app}/welcome?token={token}`.
///
/// ```
/// use trireme::mail::{Kind, Template};
///
/// const MAIL: &[Template] = &[Template {
///     kind: Kind::ResetPassword,
///     language: "fr",
///     subject: "{product} : nouveau mot de passe",
///     text: "Pour choisir un nouveau mot de passe :\n\n{link}",
///     html: "",
/// }];
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Template {
    pub kind: Kind,
    /// As in `Accept-Language`, without a region: `en`.
    pub language: &'static str,
    pub subject: &'static str,
    /// Paragraphs with an empty line between them.
    pub text: &'static str,
    /// The whole document. Empty: it is made of the text, a paragraph that begins with `{link}` or
    /// `{app}` being a link.
    pub html: &'static str,
}

/// What stands for the names in braces.
pub struct Values<'a> {
    pub product: &'a str,
    pub app: &'a str,
    pub link: &'a str,
    pub token: &'a str,
}

/// Subject, text and HTML.
pub struct Filled {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// The language as the templates spell it, if there is one of this kind in it.
pub fn find(product: &'static [Template], kind: Kind, language: &str) -> Option<&'static str> {
    get(product, kind, language).map(|template| template.language)
}

/// A product's own comes before the core's.
pub fn get(product: &'static [Template], kind: Kind, language: &str) -> Option<&'static Template> {
    let is = |template: &&Template| template.kind == kind && template.language == language;
    product.iter().chain(WORDS).find(is)
}

impl Template {
    pub fn fill(&self, values: &Values<'_>) -> Filled {
        let plain = |template| fill(template, values, str::to_owned);
        let subject = plain(self.subject);
        let html = match self.html {
            "" => self.document(&subject, values),
            html => fill(html, values, escape),
        };
        Filled { subject, text: plain(self.text), html }
    }

    fn document(&self, subject: &str, values: &Values<'_>) -> String {
        let direction = if language::is_rtl(self.language) { "rtl" } else { "ltr" };
        let mut html = format!(
            "<!doctype html><html lang=\"{}\" dir=\"{direction}\"><head><meta charset=\"utf-8\"><title>{}</title></head>\
             <body style=\"font:16px/1.5 sans-serif;max-width:36em;margin:2em auto;padding:0 1em\">",
            self.language,
            escape(subject),
        );
        for paragraph in self.text.split("\n\n") {
            let filled = fill(paragraph, values, escape);
            let is_link = paragraph.starts_with("{link}") || paragraph.starts_with("{app}");
            if is_link {
                html.extend(["<p dir=\"ltr\"><a href=\"", &filled, "\">", &filled, "</a></p>"]);
            } else {
                html.extend(["<p>", &filled, "</p>"]);
            }
        }
        html + "</body></html>"
    }
}

const NAMES: [&str; 4] = ["product", "app", "link", "token"];

/// What stands between a known name's braces goes through `write`; all else is as it is.
fn fill(template: &str, values: &Values<'_>, write: fn(&str) -> String) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let named = after.split_once('}').and_then(|(name, after)| {
            let values = [values.product, values.app, values.link, values.token];
            let at = NAMES.iter().position(|known| *known == name)?;
            Some((values[at], after))
        });
        rest = if let Some((value, after)) = named {
            filled.push_str(&write(value));
            after
        } else {
            filled.push('{');
            after
        };
    }
    filled + rest
}

pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Does not compile, in a constant, where a template lacks a language or a link, or names what there
/// is not.
pub(crate) const fn sound(templates: &[Template]) {
    let mut at = 0;
    while at < templates.len() {
        let Template { kind, language, subject, text, html } = templates[at];
        assert!(is_language(language), "a template's language is like en, without a region");
        assert!(!subject.is_empty() && !text.is_empty(), "a template has a subject and a text");
        let mut links = false;
        let mut part = 0;
        while part < 3 {
            let text = [subject, text, html][part].as_bytes();
            let (named, links_here) = names(text);
            assert!(named, "a template names {{product}}, {{link}}, {{app}} and {{token}} alone");
            assert!(part != 0 || !links_here, "a template's subject holds no link");
            assert!(
                part != 2 || text.is_empty() || links_here == links,
                "a template has its link in the text and in the HTML"
            );
            links = links_here;
            assert!(
                part != 1 || links == kind.page().is_some(),
                "a template has a link where its kind has one"
            );
            part += 1;
        }
        at += 1;
    }
}

const fn is_language(language: &str) -> bool {
    let language = language.as_bytes();
    let mut at = 0;
    while at < language.len() {
        if !language[at].is_ascii_lowercase() {
            return false;
        }
        at += 1;
    }
    matches!(at, 2 | 3)
}

/// Whether what looks like a name in braces is one, and whether the link or its token is named. Braces
/// of a style sheet are none: white space follows.
const fn names(text: &[u8]) -> (bool, bool) {
    let (mut at, mut all, mut links) = (0, true, false);
    while at < text.len() {
        if text[at] == b'{' && at + 1 < text.len() && text[at + 1].is_ascii_lowercase() {
            let mut end = at + 1;
            while end < text.len() && (text[end].is_ascii_lowercase() || text[end] == b'_') {
                end += 1;
            }
            if end < text.len() && text[end] == b'}' {
                let (_, name) = text.split_at(at + 1);
                let (name, _) = name.split_at(end - at - 1);
                all = all && is_name(name);
                links = links || is(name, NAMES[2]) || is(name, NAMES[3]);
            }
        }
        at += 1;
    }
    (all, links)
}

const fn is_name(name: &[u8]) -> bool {
    let mut at = 0;
    while at < NAMES.len() {
        if is(name, NAMES[at]) {
            return true;
        }
        at += 1;
    }
    false
}

const fn is(text: &[u8], other: &str) -> bool {
    let other = other.as_bytes();
    let mut at = 0;
    while at < text.len() && at < other.len() && text[at] == other[at] {
        at += 1;
    }
    at == text.len() && at == other.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: Values<'_> = Values {
        product: "Tom & \"Co\" <{link}>",
        app: "https://app.example.com",
        link: "https://app.example.com/reset-password?token=abc",
        token: "abc",
    };

    #[test]
    fn every_kind_is_in_every_language_of_the_core() {
        const { sound(WORDS) };
        for kind in Kind::ALL {
            for language in ["en", "de", "ar"] {
                let filled = get(&[], kind, language).unwrap().fill(&VALUES);
                assert!(filled.html.contains(&format!("lang=\"{language}\"")));
                assert_eq!(filled.html.contains("dir=\"rtl\""), language == "ar");
                assert_eq!(filled.text.contains("token=abc"), kind.page().is_some(), "{kind:?}");
                assert_eq!(
                    filled.html.contains("href="),
                    kind.page().is_some() || filled.text.contains(VALUES.app)
                );
            }
        }
        assert_eq!(WORDS.len(), Kind::ALL.len() * 3, "and nothing twice");
    }

    #[test]
    fn what_is_filled_in_is_escaped_and_not_filled_in_again() {
        let template = |text, html| Template {
            kind: Kind::ResetPassword,
            language: "en",
            subject: "{product}",
            text,
            html,
        };
        let filled = template("{product} {\n\n{link}", "").fill(&VALUES);
        assert_eq!(filled.subject, VALUES.product);
        assert_eq!(filled.text, format!("{} {{\n\n{}", VALUES.product, VALUES.link));
        assert!(
            filled.html.contains("<p>Tom &amp; &quot;Co&quot; &lt;{link}&gt; {</p>"),
            "{}",
            filled.html
        );
        let link = VALUES.link;
        assert!(filled.html.contains(&format!("<a href=\"{link}\">{link}</a>")), "{}", filled.html);
        let own =
            template("{link}", "<style>p { color: red }</style>{product} {app}/x?token={token}")
                .fill(&VALUES);
        assert_eq!(
            own.html,
            "<style>p { color: red }</style>Tom &amp; &quot;Co&quot; &lt;{link}&gt; https://app.example.com/x?token=abc"
        );
    }

    #[test]
    fn a_products_own_words_come_first() {
        const OWN: &[Template] = &[Template {
            kind: Kind::PasswordChanged,
            language: "en",
            subject: "Ahoy",
            text: "Changed.",
            html: "",
        }];
        assert_eq!(get(OWN, Kind::PasswordChanged, "en").unwrap().subject, "Ahoy");
        assert_ne!(get(OWN, Kind::AddressChanged, "en").unwrap().subject, "Ahoy");
        assert_eq!(find(OWN, Kind::AddressChanged, "fr"), None);
    }

    #[test]
    fn a_template_with_a_fault_is_none() {
        let faulty = |kind, language, text, html| {
            let templates = [Template { kind, language, subject: "Hello", text, html }];
            std::panic::catch_unwind(|| sound(&templates)).is_err()
        };
        let reset = Kind::ResetPassword;
        assert!(!faulty(reset, "en", "{link}", "<style>p {color:red} b{ x }</style>{link}"));
        assert!(!faulty(Kind::PasswordChanged, "haw", "Changed at {app}.", ""));
        for (kind, language, text, html) in [
            (reset, "en-GB", "{link}", ""),
            (reset, "", "{link}", ""),
            (reset, "en", "", ""),
            (reset, "en", "no link", ""),
            (reset, "en", "{link}", "<p>no link"),
            (reset, "en", "{link} {name}", ""),
            (Kind::PasswordChanged, "en", "{link}", ""),
        ] {
            assert!(faulty(kind, language, text, html), "{text} {html}");
        }
    }
}
