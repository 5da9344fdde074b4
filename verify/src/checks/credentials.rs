//! What registration and login refuse.

use std::time::Duration;

use serde_json::json;

use crate::context::{Context, LOGIN};
use crate::outcome::{Verdict, expect};

pub async fn register_faults(context: &Context) -> Verdict {
    let body = json!({"email": "no address", "password": "short", "name": 5, "role": "admin"});
    let answer = context.try_register(&body).await?;
    answer.invalid_at(&["/email", "/password", "/name", "/role"]).map(drop)
}

pub async fn weak_passwords(context: &Context) -> Verdict {
    // 40 characters, but 80 bytes: bcrypt would cut them.
    for password in ["7 bytes", &"é".repeat(40), "password123"] {
        let body = json!({"email": context.email("weak"), "password": password});
        context.try_register(&body).await?.invalid_at(&["/password"])?;
    }
    let body = json!({"email": context.email("weak"), "password": "nul \u{0} inside"});
    context.try_register(&body).await?.invalid_text().map(drop)
}

/// Same body, same headers, and time of the same class: bcrypt takes hundreds of
/// milliseconds, so an answer without it would be far quicker. A busy machine can delay one
/// answer, so one comparable pair of three is enough.
pub async fn unknown_user_looks_like_wrong_password(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let mut times = Vec::new();
    for _ in 0..3 {
        let wrong = context.try_login(&alice.email, "not her password").await?;
        wrong.problem_with_code(401, "invalid_credentials")?;
        let unknown = context.try_login(&context.email("nobody"), "not her password").await?;
        unknown.same_as(&wrong)?;
        times.push((wrong.elapsed, unknown.elapsed));
        if is_same_class(wrong.elapsed, unknown.elapsed) {
            return Ok(());
        }
    }
    expect(false, format!("POST {LOGIN}"), "the same time, known user or not", format!("{times:?}"))
}

fn is_same_class(a: Duration, b: Duration) -> bool {
    a.max(b) < a.min(b) * 3 + Duration::from_millis(50)
}
