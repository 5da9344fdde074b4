//! The tables in docs/ say what the code says.

use trireme_core::{
    config::variables,
    error::{CODES, Documented},
};

/// The rows of a page's table that begin with a name in backquotes, against the ones due.
fn compare(page: &str, due: &[String]) {
    let path = format!("{}/../docs/{page}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let found: Vec<_> = text.lines().filter(|line| line.starts_with("| `")).collect();
    for row in due {
        assert!(
            found.contains(&row.as_str()),
            "docs/{page} lacks this row, or has it otherwise:\n{row}"
        );
    }
    for row in found {
        assert!(
            due.iter().any(|due| due == row),
            "docs/{page} has a row that the code does not know:\n{row}"
        );
    }
}

#[test]
fn every_error_code_is_explained() {
    let rows: Vec<_> = CODES
        .iter()
        .map(|Documented { code, meaning }| {
            format!("| `{}` | {} | {} | {} |", code.as_str(), code.status(), code.title(), meaning)
        })
        .collect();
    compare("errors.md", &rows);
}

#[test]
fn every_variable_is_explained() {
    let rows: Vec<_> = variables::VARIABLES.iter().map(variables::Variable::row).collect();
    compare("configuration.md", &rows);
}
