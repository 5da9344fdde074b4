//! The table of checks. A group is a file, a check a function in it; they run in the order
//! of the table.

use std::pin::Pin;

use crate::Options;
use crate::context::Context;
use crate::outcome::Verdict;

/// The group of checks that tidy up.
pub const CLOSING: &str = "closing";

pub struct Check {
    pub group: &'static str,
    pub name: &'static str,
    pub run: for<'a> fn(&'a Context) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>,
}

impl Check {
    /// The closing checks tidy up, so they belong to every run.
    pub fn is_closing(&self) -> bool {
        self.group == CLOSING
    }

    pub fn is_wanted(&self, options: &Options) -> bool {
        let title = format!("{}/{}", self.group, self.name);
        self.is_closing() || options.only.as_ref().is_none_or(|only| title.contains(only.as_str()))
    }
}

pub use closing::accounts_deleted;

macro_rules! checks {
    ($($group:ident { $($name:ident,)+ })+) => {
        $(mod $group;)+
        pub const ALL: &[Check] = &[$($(Check {
            group: stringify!($group),
            name: stringify!($name),
            run: |context| Box::pin($group::$name(context)),
        },)+)+];
    };
}

checks! {
    health {
        live, deep, deep_under_api, ready, metrics_hidden,
    }
    documents {
        openapi, docs_page, jwks,
    }
    account {
        registration, email_taken, login, profile, deletion,
    }
    credentials {
        register_faults, weak_passwords, unknown_user_looks_like_wrong_password,
    }
    input {
        faults_all_at_once, malformed_json, wrong_types, nul_in_text, steering_text, blank_names,
        unknown_members,
        unknown_query, content_types, lengths_count_characters,
    }
    refresh {
        rotation, grace, concurrent, unknown_token,
    }
    tokens {
        claims, missing_or_garbage, altered_parts, no_algorithm, forged, swapped_kinds,
        scheme_in_any_case,
    }
    sessions {
        listed, ended_by_id, password_change, logout,
    }
    isolation {
        tasks, contexts, context_of_another, lists, sessions,
    }
    contexts {
        story, faults, deletion_keeps_tasks,
    }
    tasks {
        story, defaults, completed_at, offsets, years, faults,
    }
    patches {
        null_clears, null_on_required, not_an_object, media_types, empty_patch,
    }
    filters {
        each_filter, search, bounds,
    }
    pages {
        limits, every_sort, contexts_have_pages, records_of_one_moment,
        stable_under_inserts, cursors_are_bound,
    }
    conditional {
        strong_etags, not_modified, not_modified_in_each_coding, preconditions, deletion, concurrent_updates,
    }
    idempotency {
        replay, other_body, concurrent, per_user, failures_are_forgotten,
    }
    cors {
        no_origin, refused, refused_preflight, own_origin, allowed, allowed_preflight,
        look_alikes,
    }
    problems {
        every_kind, request_ids,
    }
    headers {
        caching,
    }
    methods {
        not_allowed, invented, head, unknown_paths, odd_paths,
    }
    bodies {
        too_large, too_large_chunked, large_credentials, compression, codings, compressed_etags,
    }
    wire {
        head_has_no_body, conflicting_lengths, absolute_target, foreign_host,
    }
    reuse {
        ends_the_session,
    }
    limits {
        headers_agree, account_limit,
    }
    closing {
        accounts_deleted, every_response,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_keeps_the_closing_checks() {
        let mut options = Options::new("http://localhost").unwrap();
        options.only = Some("cors/refused".to_owned());
        let wanted: Vec<&str> =
            ALL.iter().filter(|check| check.is_wanted(&options)).map(|check| check.name).collect();
        assert_eq!(wanted, ["refused", "refused_preflight", "accounts_deleted", "every_response"]);
    }
}
