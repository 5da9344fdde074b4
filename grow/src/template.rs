//! Files with `@name@` in them.

/// A template with each `@name@` replaced. A line that is nothing but an empty replacement goes, and
/// so do blank lines that come to stand together.
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for line in template.split_inclusive('\n') {
        let mut filled = line.to_owned();
        for (name, value) in values {
            filled = filled.replace(&format!("@{name}@"), value);
        }
        if line.trim().is_empty() || !filled.trim().is_empty() {
            text.push_str(&filled);
        }
    }
    while text.contains("\n\n\n") {
        text = text.replace("\n\n\n", "\n\n");
    }
    text
}

/// Lines with an indentation, one text without a line break at its end.
pub fn lines(indent: usize, lines: impl IntoIterator<Item = String>) -> String {
    let lines = lines.into_iter().map(|line| format!("{:indent$}{line}", ""));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_lines_go() {
        let template = "a\n\n@none@\n\n    @more@\nb @one@@one@\n";
        assert_eq!(fill(template, &[("none", ""), ("more", ""), ("one", "x")]), "a\n\nb xx\n");
    }
}
