//! Other people's records.

use trireme_testbed::http;

use super::{Attack, Ground, expect, text_of};
use crate::Result;

pub const ALL: &[Attack] = &[Attack {
    name: "another user's record, by its id",
    bound: "404, as if it were not there",
    run: by_id,
}];

fn by_id(ground: &Ground) -> Result<String> {
    let target = ground.on_postgres(&[])?;
    let (owner, thief) =
        (target.register("owner@example.com")?, target.register("thief@example.com")?);
    let made = http::post(target.port(), "/api/v1/tasks", &owner, r#"{"title":"private"}"#)?;
    let id = text_of(&made, "id")?;
    let absent = "01a1f8d3-ea00-7d19-8f3a-0b1c2d3e4f50";
    let mut seen = Vec::new();
    for id in [&*id, absent] {
        let answer = http::get_with(target.port(), &format!("/api/v1/tasks/{id}"), &thief)?;
        expect(answer.status == 404, || format!("a thief was answered {answer:?}"))?;
        seen.push(text_of(&answer, "detail")?);
    }
    expect(seen[0] == seen[1], || "a stranger's record and none look different".to_owned())?;
    let mine = http::get_with(target.port(), &format!("/api/v1/tasks/{id}"), &owner)?;
    expect(mine.status == 200, || format!("its owner was answered {mine:?}"))?;
    Ok("404 for both".to_owned())
}
