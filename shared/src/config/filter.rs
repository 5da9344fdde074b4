//! Which records are written: `LOG_LEVEL`.

use tracing::level_filters::LevelFilter;

/// A level for all, and others for some targets and what is below them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub default: LevelFilter,
    pub targets: Vec<(String, LevelFilter)>,
}

impl Default for Filter {
    fn default() -> Self {
        Self { default: LevelFilter::INFO, targets: Vec::new() }
    }
}

impl Filter {
    /// `warn`, `info,trireme=debug`, or `trireme=debug`, which leaves the others at `info`.
    /// `None` for anything else, since a filter that is not understood would silence something.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut default, mut targets) = (None, Vec::<(String, LevelFilter)>::new());
        for part in text.split(',') {
            match part.split_once('=') {
                None => {
                    if default.replace(level(part)?).is_some() {
                        return None;
                    }
                }
                Some((target, named)) => {
                    let target = target.trim();
                    if !is_target(target) || targets.iter().any(|(other, _)| other == target) {
                        return None;
                    }
                    targets.push((target.to_owned(), level(named)?));
                }
            }
        }
        Some(Self { default: default.unwrap_or(LevelFilter::INFO), targets })
    }
}

/// A level, as it is called here or elsewhere.
fn level(text: &str) -> Option<LevelFilter> {
    Some(match text.trim().to_ascii_lowercase().as_str() {
        "off" | "none" => LevelFilter::OFF,
        "error" | "err" | "critical" | "crit" | "fatal" => LevelFilter::ERROR,
        "warn" | "warning" => LevelFilter::WARN,
        "info" | "information" | "notice" => LevelFilter::INFO,
        "debug" | "verbose" => LevelFilter::DEBUG,
        "trace" => LevelFilter::TRACE,
        _ => return None,
    })
}

/// The path of a module, or another name that records bear.
fn is_target(text: &str) -> bool {
    let is_name = |name: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        !name.is_empty() && name.bytes().all(plain)
    };
    text.split("::").all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_synonyms() {
        for (text, level) in [
            ("error", LevelFilter::ERROR),
            ("ERR", LevelFilter::ERROR),
            ("critical", LevelFilter::ERROR),
            ("fatal", LevelFilter::ERROR),
            ("warning", LevelFilter::WARN),
            ("Warn", LevelFilter::WARN),
            ("notice", LevelFilter::INFO),
            ("verbose", LevelFilter::DEBUG),
            ("trace", LevelFilter::TRACE),
            ("off", LevelFilter::OFF),
        ] {
            let filter = Filter { default: level, targets: Vec::new() };
            assert_eq!(Filter::parse(text), Some(filter), "{text}");
        }
    }

    #[test]
    fn targets_have_levels_of_their_own() {
        let filter = Filter::parse("warning, trireme=DEBUG, trireme_native::server=off").unwrap();
        assert_eq!(filter.default, LevelFilter::WARN);
        assert_eq!(filter.targets[0], ("trireme".to_owned(), LevelFilter::DEBUG));
        assert_eq!(filter.targets[1], ("trireme_native::server".to_owned(), LevelFilter::OFF));
        assert_eq!(Filter::parse("trireme=debug").unwrap().default, LevelFilter::INFO);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for wrong in [
            "warnings",
            "loud",
            "3",
            "handlers",
            "info,handlers",
            "info,",
            ",info",
            "info,,auth=debug",
            "info,debug",
            "auth=info,auth=debug",
            "trireme=loud",
            "trireme=",
            "=debug",
            "==",
            "info;debug",
            "handlers[span]=debug",
            "a::=debug",
            "info trireme=debug",
        ] {
            assert_eq!(Filter::parse(wrong), None, "{wrong}");
        }
    }
}
