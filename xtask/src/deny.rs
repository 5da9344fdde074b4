use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::tools::CARGO_DENY;
use crate::{Result, root, ui};

/// Git waits for a network that swallows packets far longer than anybody wants to.
const FETCH_TIMEOUT: Duration = Duration::from_secs(60);

/// Licences, bans and sources always; known vulnerabilities when their database, a git
/// repository, can be reached.
pub fn check() -> Result<()> {
    let deny = || -> Result<Command> {
        let mut command = Command::new(CARGO_DENY.path()?);
        command.current_dir(root()).arg("--locked");
        Ok(command)
    };
    ui::run(deny()?.args(["check", "licenses", "bans", "sources"]))?;
    if succeeds_within(deny()?.args(["fetch", "db"]), FETCH_TIMEOUT)? {
        ui::run(deny()?.args(["check", "--disable-fetch", "advisories"]))
    } else {
        eprintln!("advisories: left out, because their database could not be fetched");
        Ok(())
    }
}

fn succeeds_within(command: &mut Command, timeout: Duration) -> Result<bool> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let deadline = Instant::now() + timeout;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill()?;
    child.wait()?;
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_hangs_is_given_up() {
        let begun = Instant::now();
        assert!(
            !succeeds_within(Command::new("sleep").arg("60"), Duration::from_millis(200)).unwrap()
        );
        assert!(begun.elapsed() < Duration::from_secs(30));
        assert!(succeeds_within(&mut Command::new("true"), Duration::from_secs(10)).unwrap());
        assert!(!succeeds_within(&mut Command::new("false"), Duration::from_secs(10)).unwrap());
    }
}
