//! What every product promises. A group is a file, a check a function in it; they run in the
//! order of the tables, with the product's in between.

mod account;
mod bodies;
mod closing;
mod conditional;
mod cors;
mod credentials;
mod documents;
mod headers;
mod health;
mod input;
mod isolation;
mod limits;
mod methods;
mod patches;
mod problems;
mod refresh;
mod reuse;
mod sessions;
mod tokens;
mod wire;

use crate::check::Group;

pub use closing::accounts_deleted;

pub const CORE: &[Group] = crate::checks! {
    health { live, deep, deep_under_api, ready, metrics_hidden }
    documents { openapi, docs_page, jwks }
    account { registration, email_taken, login, profile, deletion }
    credentials { register_faults, weak_passwords, unknown_user_looks_like_wrong_password }
    input {
        malformed_json, wrong_types, nul_in_text, steering_text, blank_names, unknown_members,
        unknown_query, content_types, lengths_count_characters,
    }
    refresh { rotation, grace, concurrent, unknown_token }
    tokens {
        claims, missing_or_garbage, altered_parts, no_algorithm, forged, swapped_kinds,
        scheme_in_any_case,
    }
    sessions { listed, ended_by_id, password_change, logout }
    isolation { sessions }
    patches { null_clears, not_an_object, media_types, empty_patch }
    conditional { strong_etags, not_modified, preconditions }
    cors {
        no_origin, refused, refused_preflight, own_origin, allowed, allowed_preflight,
        look_alikes,
    }
    problems { every_kind, request_ids }
    headers { caching }
    methods { not_allowed, invented, head, options, unknown_paths, odd_paths }
    bodies { too_large, too_large_chunked, large_credentials, compression, codings }
    wire { head_has_no_body, conflicting_lengths, absolute_target, foreign_host }
};

/// They wait for something or use something up, so they come after the product's.
pub const LAST: &[Group] = crate::checks! {
    reuse { ends_the_session }
    limits { headers_agree, account_limit }
    closing { accounts_deleted, every_response }
};
