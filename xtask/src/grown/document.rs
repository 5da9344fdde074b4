//! What a document says to do: the lines of its blocks of `sh`, and the files that its blocks of Rust
//! are, whose first line is a comment with the path.

#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// `trireme new …`, with what stands behind it.
    New(&'a str),
    /// `cd …`
    Enter(&'a str),
    /// `cargo run` alone: a server, which is there for the lines that follow.
    Serve,
    Other(&'a str),
    /// The path and the contents of a file.
    File(&'a str, &'a str),
}

pub fn lines(document: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    // The parts between fences: prose and blocks by turns.
    for block in document.split("```").skip(1).step_by(2) {
        let (language, text) = block.split_once('\n').unwrap_or((block, ""));
        match (language, text.strip_prefix("// ").and_then(|text| text.split_once('\n'))) {
            ("sh", _) => {
                let bare = text.lines().map(|line| line.split(" # ").next().unwrap_or(line).trim());
                lines.extend(bare.filter(|line| !line.is_empty()).map(read));
            }
            ("rust", Some((path, text))) => lines.push(Line::File(path, text)),
            _ => {}
        }
    }
    lines
}

fn read(line: &str) -> Line<'_> {
    if let Some(arguments) = line.strip_prefix("trireme new ") {
        Line::New(arguments)
    } else if let Some(folder) = line.strip_prefix("cd ") {
        Line::Enter(folder)
    } else if line == "cargo run" {
        Line::Serve
    } else {
        Line::Other(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_files_are_found_in_their_order() {
        let document = "cd no\n```sh\ntrireme new shop # a product\ncd shop\n```\n```text\ncd no\n```\n\
                        ```rust\n// src/a.rs\nmod b;\n```\n```sh\ncargo run\ncargo run -- add\n```\n";
        let due = [
            Line::New("shop"),
            Line::Enter("shop"),
            Line::File("src/a.rs", "mod b;\n"),
            Line::Serve,
            Line::Other("cargo run -- add"),
        ];
        assert_eq!(lines(document), due);
    }
}
