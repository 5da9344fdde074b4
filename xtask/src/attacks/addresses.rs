//! Accounts that look like another's.

use trireme_testbed::http;

use super::{Attack, Ground, expect};
use crate::Result;

pub const ALL: &[Attack] = &[Attack {
    name: "a look-alike of an e-mail address",
    bound: "422 for what is not seen, 409 for another spelling",
    run: look_alike,
}];

fn look_alike(ground: &Ground) -> Result<String> {
    let target = ground.sqlite(&[])?;
    target.register("ada@caf\u{e9}.example")?;
    let register = |email: &str| {
        let body = format!(r#"{{"email":"{email}","password":"correct horse battery"}}"#);
        http::post(target.port(), "/api/v1/auth/register", "", &body)
    };
    let unseen = [
        "\u{200b}", "\u{ad}", "\u{2060}", "\u{202e}", "\u{3164}", "\u{fe0f}", "\u{378}", "\u{e000}",
    ];
    for c in unseen {
        for email in [format!("a{c}da@caf\u{e9}.example"), format!("ada@ca{c}f\u{e9}.example")] {
            let status = register(&email)?.status;
            expect(status == 422, || format!("{status} for {email:?}"))?;
        }
    }
    let status = register("ada@cafe\u{301}.example")?.status;
    expect(status == 409, || format!("{status} for e and an accent"))?;
    Ok(format!("{} refused", 2 * unseen.len() + 1))
}
