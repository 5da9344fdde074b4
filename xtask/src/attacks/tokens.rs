//! Tokens that nobody was given.

use trireme_testbed::http;

use super::{Attack, Ground, expect};
use crate::Result;

pub const ALL: &[Attack] = &[Attack {
    name: "tokens without a signature, with another's, with another algorithm",
    bound: "each 401",
    run: forged,
}];

fn forged(ground: &Ground) -> Result<String> {
    let target = ground.sqlite(&[])?;
    let genuine = target.register("mallory@example.com")?;
    let parts: Vec<_> = genuine.split('.').collect();
    let [head, claims, signature] = parts[..] else { return Err("the token is no JWT".into()) };
    // {"alg":"none","typ":"at+jwt"} and {"alg":"HS512","typ":"at+jwt"}
    let (none, hs512) =
        ("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0", "eyJhbGciOiJIUzUxMiIsInR5cCI6ImF0K2p3dCJ9");
    let other: String = signature.chars().rev().collect();
    let forgeries = [
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{hs512}.{claims}.{signature}"),
        format!("{head}.{claims}."),
        format!("{head}.{claims}.{other}"),
        format!("{head}.{}.{signature}", claims.to_uppercase()),
    ];
    for forgery in &forgeries {
        let answer = http::get_with(target.port(), "/api/v1/users/me", forgery)?;
        expect(answer.status == 401, || format!("a forgery was answered {answer:?}"))?;
    }
    let answer = http::get_with(target.port(), "/api/v1/users/me", &genuine)?;
    expect(answer.status == 200, || format!("the genuine token was answered {answer:?}"))?;
    Ok(format!("{} of {} refused", forgeries.len(), forgeries.len()))
}
