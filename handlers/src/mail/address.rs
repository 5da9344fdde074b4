//! An address as every mail server takes it: its domain in ASCII (RFC 3492).

/// `ada@bücher.example` as `ada@xn--bcher-kva.example`. `None` for a domain that has no such form.
pub fn ascii(address: &str) -> Option<String> {
    if address.is_ascii() {
        return Some(address.to_owned());
    }
    let (user, domain) = address.rsplit_once('@').filter(|(user, _)| user.is_ascii())?;
    let labels: Option<Vec<_>> = domain.split('.').map(label).collect();
    Some(format!("{user}@{}", labels?.join(".")))
}

fn label(label: &str) -> Option<String> {
    if label.is_ascii() {
        return Some(label.to_owned());
    }
    let label = format!("xn--{}", punycode(label)?);
    (label.len() <= 63).then_some(label)
}

/// What is in ASCII, then where each other letter goes, as numbers of variable length.
fn punycode(label: &str) -> Option<String> {
    const BASE: u32 = 36;
    let mut written: String = label.chars().filter(char::is_ascii).collect();
    let basic = written.len() as u32;
    if basic > 0 {
        written.push('-');
    }
    let (mut least, mut delta, mut bias, mut handled) = (128, 0u32, 72, basic);
    while handled < label.chars().count() as u32 {
        let next = label.chars().map(u32::from).filter(|&c| c >= least).min()?;
        delta = delta.checked_add((next - least).checked_mul(handled + 1)?)?;
        least = next;
        for c in label.chars().map(u32::from) {
            if c < least {
                delta = delta.checked_add(1)?;
            }
            if c != least {
                continue;
            }
            let (mut rest, mut k) = (delta, BASE);
            loop {
                let threshold = k.saturating_sub(bias).clamp(1, 26);
                if rest < threshold {
                    break;
                }
                written.push(digit(threshold + (rest - threshold) % (BASE - threshold)));
                rest = (rest - threshold) / (BASE - threshold);
                k += BASE;
            }
            written.push(digit(rest));
            bias = adapted(delta, handled + 1, handled == basic);
            delta = 0;
            handled += 1;
        }
        delta = delta.checked_add(1)?;
        least += 1;
    }
    Some(written)
}

/// The bias for the next number, by how large this one was.
fn adapted(delta: u32, handled: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / handled;
    let mut k = 0;
    while delta > 455 {
        delta /= 35;
        k += 36;
    }
    k + 36 * delta / (delta + 38)
}

/// `a` to `z`, then `0` to `9`.
fn digit(value: u32) -> char {
    let value = value as u8;
    char::from(if value < 26 { b'a' + value } else { b'0' + value - 26 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_have_a_form_in_ascii() {
        for (address, due) in [
            ("ada@example.com", "ada@example.com"),
            ("ada@b\u{fc}cher.example", "ada@xn--bcher-kva.example"),
            ("ada@m\u{fc}nchen.xn--p1ai", "ada@xn--mnchen-3ya.xn--p1ai"),
            (
                "ada@\u{43f}\u{440}\u{438}\u{43c}\u{435}\u{440}.\u{440}\u{444}",
                "ada@xn--e1afmkfd.xn--p1ai",
            ),
            ("ada@\u{4f8b}\u{3048}.jp", "ada@xn--r8jz45g.jp"),
            ("ada@\u{645}\u{62b}\u{627}\u{644}.net", "ada@xn--mgbh0fb.net"),
            (
                "ada@3\u{5e74}b\u{7d44}\u{91d1}\u{516b}\u{5148}\u{751f}.jp",
                "ada@xn--3b-ww4c5e180e575a65lsy2b.jp",
            ),
        ] {
            assert_eq!(ascii(address).as_deref(), Some(due), "{address}");
        }
        assert_eq!(ascii("\u{e4}da@example.com"), None);
        assert_eq!(ascii(&format!("ada@{}.com", "\u{fc}a".repeat(30))), None, "too long");
    }
}
