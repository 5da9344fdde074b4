//! A password from a person or a pipe; never from an argument, which others can see.

use std::io::{self, IsTerminal as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::Failure;

/// Asks twice on a terminal; elsewhere the first line of stdin is it.
pub fn read() -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        let password = line()?;
        if password.is_empty() {
            return Err(Failure::usage(
                "There is no password on stdin. Pipe it in, or run this on a terminal.",
            ));
        }
        return Ok(password);
    }
    let password = ask("Password: ")?;
    if ask("Once more: ")? == password {
        Ok(password)
    } else {
        Err(Failure::no("The two are not the same."))
    }
}

fn ask(prompt: &str) -> Result<String, Failure> {
    let _ = write!(io::stderr(), "{prompt}");
    let silent = Silent::new();
    let password = line();
    drop(silent);
    let _ = writeln!(io::stderr());
    password
}

fn line() -> Result<String, Failure> {
    let mut line = String::new();
    io::stdin()
        .read_line(&mut line)
        .map_err(|error| Failure::no(format!("stdin can't be read: {error}.")))?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// Keeps the terminal from showing what is typed, until it is dropped.
struct Silent(Option<Termios>);

impl Silent {
    fn new() -> Self {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &silent);
        }
        Self(before)
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, before);
        }
    }
}
