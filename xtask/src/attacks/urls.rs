//! Passwords that a malformed URL would put where a host's name is, and so into the log.

use std::process::Command;

use super::{Attack, Ground, expect};
use crate::Result;

pub const ALL: &[Attack] = &[Attack {
    name: "a database's password with @ / ? # % or a blank in it, written as it is",
    bound: "exit code 78, and no part of it is shown",
    run: unencoded,
}];

const HALVES: [&str; 2] = ["Zqxj", "Kvwz"];

fn unencoded(ground: &Ground) -> Result<String> {
    let [one, two] = HALVES;
    let signs = ["@", "/", "?", "#", "%", " ", "@/", ":@"];
    for sign in signs {
        let url = format!("postgres://app:{one}{sign}{two}@127.0.0.1:1/app");
        for command in ["serve", "migrate", "doctor"] {
            let mut trireme = Command::new(ground.trireme());
            let ran = trireme.arg(command).env_clear().env("DATABASE_URL", &url).output()?;
            let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
            let hidden = HALVES.iter().all(|half| !said.contains(half));
            expect(hidden && ran.status.code() == Some(78), || {
                format!(
                    "{command} with {sign} in the password ended with {} and said {said}",
                    ran.status
                )
            })?;
        }
    }
    Ok(format!("{} starts refused", 3 * signs.len()))
}
