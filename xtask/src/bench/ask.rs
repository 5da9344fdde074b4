//! What is asked of a server that has tasks.

use super::wrk::Script;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// One task, again and again.
    Read,
    /// One of a thousand.
    ReadAny,
    /// The newest 20.
    List,
    Create,
    /// Under an `Idempotency-Key`.
    CreateKeyed,
    /// A task of each connection's own, under `If-Match`.
    Patch,
}

const NEW: &str = r#"{"title":"Order the new sails","description":"Three of them, before the spring.","priority":"high"}"#;
const CHANGE: &str = r#"{"status":"in_progress","priority":"low"}"#;

/// The tasks that are asked for by their ids.
pub struct Tasks {
    /// One for each connection.
    pub own: Vec<String>,
    /// A thousand of all.
    pub any: Vec<String>,
}

impl Ask {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadAny => "read of one of many",
            Self::List => "list of 20",
            Self::Create => "create",
            Self::CreateKeyed => "create under a key",
            Self::Patch => "patch under If-Match",
        }
    }

    /// The path behind that of the tasks, and what else the load generator is told.
    pub fn of(self, tasks: &Tasks) -> (String, Option<Script>) {
        let script = |file, arguments, threads| Some(Script { file, arguments, threads });
        let behind = |first: &str, rest: &[String]| [&[first.to_owned()], rest].concat();
        match self {
            Self::Read => (format!("/{}", tasks.own[0]), None),
            Self::ReadAny => (String::new(), script("one_of.lua", tasks.any.clone(), false)),
            Self::List => ("?limit=20".to_owned(), None),
            Self::Create => (String::new(), script("post.lua", behind(NEW, &[]), false)),
            Self::CreateKeyed => {
                (String::new(), script("post.lua", behind(NEW, &["keyed".to_owned()]), false))
            }
            Self::Patch => (String::new(), script("patch.lua", behind(CHANGE, &tasks.own), true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::wrk;

    #[test]
    fn each_script_is_there() {
        let tasks = Tasks { own: vec!["1".to_owned()], any: vec!["2".to_owned()] };
        for ask in [Ask::ReadAny, Ask::Create, Ask::CreateKeyed, Ask::Patch] {
            let (path, script) = ask.of(&tasks);
            let file = wrk::folder().join(script.unwrap().file);
            assert!(path.is_empty() && file.is_file(), "{}", file.display());
        }
        assert_eq!(Ask::Read.of(&tasks).0, "/1");
    }
}
