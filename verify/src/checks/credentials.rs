//! What registration and login refuse. All of these are counted by address, so the suite tries as few
//! as prove it: with the others it has to fit into a minute's quota.

use std::time::Duration;

use serde_json::json;

use crate::context::{Context, LOGIN};
use crate::outcome::{Verdict, expect};

pub async fn register_faults(context: &Context) -> Verdict {
    let body =
        json!({"email": "no address", "password": "nul \u{0} inside", "name": 5, "role": "admin"});
    let answer = context.try_register(&body).await?;
    answer.invalid_at(&["/email", "/password", "/name", "/role"])?.invalid_text().map(drop)
}

/// Common, or of 40 characters but 80 bytes, which bcrypt would cut; and an address with a letter that
/// nobody sees.
pub async fn weak_passwords(context: &Context) -> Verdict {
    let place = context.email("weak");
    for (email, password) in
        [(&place, "password123"), (&place.replace('.', "\u{200b}."), &"é".repeat(40))]
    {
        let answer = context.try_register(&json!({"email": email, "password": password})).await?;
        answer.invalid_at(if *email == place {
            &["/password"]
        } else {
            &["/email", "/password"]
        })?;
    }
    Ok(())
}

/// Same body, same headers, and time of the same class: bcrypt takes hundreds of
/// milliseconds, so an answer without it would be far quicker. A busy machine can delay one
/// answer, so one comparable pair of three is enough.
pub async fn unknown_user_looks_like_wrong_password(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let nobody = context.email("nobody");
    let mut times = Vec::new();
    for round in 0..3 {
        // How many rounds it takes is a matter of the machine's, so the first alone is recorded.
        let attempt = |email: &str| {
            let request = Context::login_request(email, "not her password");
            context.send(if round == 0 { request } else { request.unrecorded() })
        };
        let wrong = attempt(&alice.email).await?;
        wrong.problem_with_code(401, "invalid_credentials")?;
        let unknown = attempt(&nobody).await?;
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
