//! Finding places in Rust that people have edited: by its tokens, so that comments, line breaks and
//! whatever else stands there do not matter.

use std::ops::Range;

use proc_macro2::{Delimiter, Group, LexError, TokenStream, TokenTree};

use crate::refusal::{Refusal, Result};

/// A file, and what is to be put into it.
pub struct Source<'a> {
    path: &'a str,
    text: String,
    tokens: TokenStream,
    edits: Vec<(Range<usize>, String)>,
}

/// The tokens between two brackets.
#[derive(Clone)]
pub struct Body {
    tokens: Vec<TokenTree>,
    /// In the file, without the brackets.
    inside: Range<usize>,
}

impl<'a> Source<'a> {
    pub fn parse(path: &'a str, text: String) -> Result<Self> {
        let tokens = text.parse().map_err(|error: LexError| {
            let line = error.span().start().line;
            Refusal::new(
                format!("{path} can't be read as Rust from line {line} on."),
                "Make it compile first.",
            )
        })?;
        Ok(Self { path, text, tokens, edits: Vec::new() })
    }

    /// Imports a module of the same crate, below the other imports.
    pub fn import_own(&mut self, module: &str) {
        let list = self.whole().all_after(&["use", "crate", ":", ":"], Delimiter::Brace);
        let line = format!("use crate::{module};");
        if self.text.contains(&line) || list.iter().any(|list| list.has(module)) {
            return;
        }
        if let Some(list) = list.first() {
            self.append_element(list, module);
            return;
        }
        let lines = self.text.split_inclusive('\n');
        let (mut at, mut place, mut own) = (0, 0, false);
        let mut within = false;
        for text in lines {
            at += text.len();
            within |= text.starts_with("use ");
            if within && text.trim_end().ends_with(';') {
                (place, within) = (at, false);
                own = text.starts_with("use crate::");
            }
        }
        self.insert(place, format!("{}{line}\n", if own { "" } else { "\n" }));
    }

    /// All of it.
    pub fn whole(&self) -> Body {
        Body { tokens: self.tokens.clone().into_iter().collect(), inside: 0..self.text.len() }
    }

    /// Where the line begins on which a macro's only call stands.
    pub fn call_line(&self, name: &str) -> Option<usize> {
        let body = self.call(name)?;
        let head = self.text[..body.inside.start].rfind(&format!("{name}!"))?;
        Some(self.line_start(head))
    }

    /// Imports a name from a crate or module, unless it is there.
    pub fn import(&mut self, from: &str, name: &str) {
        let mut words = vec!["use".to_owned()];
        for part in from.split("::") {
            words.extend([part.to_owned(), ":".to_owned(), ":".to_owned()]);
        }
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let whole = self.whole();
        let lists = whole.all_after(&words, Delimiter::Brace);
        let last = name.rsplit("::").next().unwrap_or(name);
        if lists.iter().any(|list| list.has(last))
            || self.text.contains(&format!("use {from}::{name};"))
        {
            return;
        }
        if let Some(list) = lists.first() {
            self.append_element(list, name);
            return;
        }
        let mut at = 0;
        for line in self.text.split_inclusive('\n') {
            if line.starts_with("use ") {
                break;
            }
            at += line.len();
        }
        self.insert(at.min(self.text.len()), format!("use {from}::{name};\n"));
    }

    /// The file with all edits.
    pub fn finish(mut self) -> String {
        // Stable: what was put at one place first stays first.
        self.edits.sort_by_key(|(range, _)| range.start);
        for (range, text) in self.edits.into_iter().rev() {
            self.text.replace_range(range, &text);
        }
        self.text
    }

    /// That a place was not found, and what to do by hand.
    pub fn lost(&self, what: &str, by_hand: &str) -> Refusal {
        Refusal::new(
            format!("{} has no {what} that could be edited.", self.path),
            format!("Nothing was written. By hand: {by_hand}"),
        )
    }

    /// The body of a macro's only call: `name! { … }`, wherever it stands.
    pub fn call(&self, name: &str) -> Option<Body> {
        let mut calls = Vec::new();
        walk(&self.tokens, &mut |tokens| {
            for window in tokens.windows(3) {
                if let [TokenTree::Ident(ident), TokenTree::Punct(bang), TokenTree::Group(group)] =
                    window
                    && ident == name
                    && bang.as_char() == '!'
                {
                    calls.push(Body::of(group));
                }
            }
        });
        if calls.len() == 1 { calls.pop() } else { None }
    }

    /// The brackets behind some tokens that stand side by side, such as `["const", "TABLES"]`, before
    /// the next `;`.
    pub fn after(&self, words: &[&str], delimiter: Delimiter) -> Option<Body> {
        let mut found = Vec::new();
        walk(&self.tokens, &mut |tokens| {
            for at in 0..tokens.len() {
                let is = |(token, word): (&TokenTree, &&str)| token.to_string() == **word;
                let rest = &tokens[at..];
                if rest.len() > words.len() && rest.iter().zip(words).all(is) {
                    let behind = rest[words.len()..].iter();
                    let upto = behind
                        .take_while(|it| !matches!(it, TokenTree::Punct(p) if p.as_char() == ';'));
                    let groups = upto.filter_map(|it| match it {
                        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group),
                        _ => None,
                    });
                    found.extend(groups.take(1).map(Body::of));
                }
            }
        });
        if found.len() == 1 { found.pop() } else { None }
    }

    /// The brackets of what a constant of this name is set to: its type has some as well.
    pub fn after_assignment(&self, name: &str, delimiter: Delimiter) -> Option<Body> {
        let mut found = Vec::new();
        walk(&self.tokens, &mut |tokens| {
            let is = |token: &TokenTree, word: &str| token.to_string() == word;
            for at in 1..tokens.len() {
                if !(is(&tokens[at - 1], "const") && is(&tokens[at], name)) {
                    continue;
                }
                let mut value =
                    tokens[at..].iter().skip_while(|it| !is(it, "=")).take_while(|it| !is(it, ";"));
                found.extend(value.find_map(|token| match token {
                    TokenTree::Group(group) if group.delimiter() == delimiter => {
                        Some(Body::of(group))
                    }
                    _ => None,
                }));
            }
        });
        if found.len() == 1 { found.pop() } else { None }
    }

    pub fn text(&self, range: Range<usize>) -> &str {
        &self.text[range]
    }

    /// Where a text stands, if it does once.
    pub fn find(&self, text: &str) -> Option<usize> {
        let at = self.text.find(text)?;
        (self.text.rfind(text) == Some(at)).then_some(at)
    }

    /// Takes a name out of a list of imports.
    pub fn remove_import(&mut self, name: &str) {
        let whole = self.whole();
        let lists = whole.all_after(&["use", "trireme", ":", ":"], Delimiter::Brace);
        for list in &lists {
            let inside = list.inside();
            let text = &self.text[inside.clone()];
            let mut at = inside.start;
            for part in text.split_inclusive(',') {
                if part.trim_end_matches(',').trim() == name {
                    // The last of a list goes with the comma before it.
                    let start = if part.ends_with(',') { at } else { at.max(inside.start + 1) - 1 };
                    self.edits.push((start..at + part.trim_end().len(), String::new()));
                }
                at += part.len();
            }
        }
    }

    pub fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.edits.push((at..at, text.into()));
    }

    pub fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.edits.push((range, text.into()));
    }

    /// Puts a line behind the last of a body's, indented as that is.
    pub fn append_line(&mut self, body: &Body, line: &str) {
        let (at, indent) = match body.tokens.last() {
            Some(last) => {
                let end = last.span().byte_range().end;
                // A comment behind it belongs to it.
                let rest = &self.text[end..body.inside.end];
                let line_end = rest.find('\n').unwrap_or(0);
                (end + line_end, self.indent(body.tokens[0].span().byte_range().start))
            }
            None => (body.inside.start, self.indent(body.inside.start) + "    "),
        };
        let ends = self.text[at..].starts_with('\n');
        self.insert(at, format!("\n{indent}{line}{}", if ends { "" } else { "\n" }));
    }

    /// Puts lines behind the last of a body's.
    pub fn append_lines(&mut self, body: &Body, lines: &[String]) {
        for line in lines {
            self.append_line(body, line);
        }
    }

    /// Puts lines before the line of a place, indented as that is; in the line if more stands there.
    pub fn insert_lines(&mut self, at: usize, lines: &[String]) {
        let (start, indent) = (self.line_start(at), self.indent(at));
        if !self.text[start..at].trim().is_empty() {
            self.insert(at, lines.join(" ") + " ");
            return;
        }
        let text: String = lines.iter().map(|line| format!("{indent}{line}\n")).collect();
        self.insert(start, text);
    }

    /// Puts an element on a line of its own, where the others stand so, or behind the last.
    pub fn append_entry(&mut self, body: &Body, element: &str) {
        let ends =
            body.tokens.last().is_none_or(|last| matches!(last.to_string().as_str(), "," | ":"));
        if ends && self.text[body.inside()].contains('\n') {
            self.append_line(body, &format!("{element},"));
        } else {
            self.append_element(body, element);
        }
    }

    /// An empty line before what is appended next.
    pub fn append_blank(&mut self, body: &Body) {
        if let Some(last) = body.tokens.last() {
            let end = last.span().byte_range().end;
            let line_end = self.text[end..body.inside.end].find('\n').unwrap_or(0);
            self.insert(end + line_end, "\n");
        }
    }

    /// Puts a statement on a line of its own behind the one that a body belongs to.
    pub fn insert_statement(&mut self, body: &Body, line: &str) {
        let end = body.inside.end;
        let at = self.text[end..].find(';').map_or(end, |it| end + it + 1);
        let indent = self.indent(body.inside.start);
        self.insert(at, format!("\n{indent}{line}"));
    }

    /// Puts an element behind the last of a list that commas separate.
    pub fn append_element(&mut self, body: &Body, element: &str) {
        match body.tokens.last() {
            None => self.insert(body.inside.start, element),
            Some(TokenTree::Punct(comma)) if comma.as_char() == ',' => {
                self.insert(comma.span().byte_range().end, format!(" {element},"));
            }
            Some(last) => self.insert(last.span().byte_range().end, format!(", {element}")),
        }
    }

    /// Puts an element before the first of a list that commas separate.
    pub fn prepend_element(&mut self, body: &Body, element: &str) {
        match body.tokens.first() {
            None => self.insert(body.inside.start, element),
            Some(first) => self.insert(first.span().byte_range().start, format!("{element}, ")),
        }
    }

    /// The white space before what stands first on a line.
    pub fn indent(&self, at: usize) -> String {
        let start = self.text[..at].rfind('\n').map_or(0, |it| it + 1);
        self.text[start..].chars().take_while(|c| *c == ' ' || *c == '\t').collect()
    }

    /// Where the line of a place begins.
    pub fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |it| it + 1)
    }

    /// A `mod` in its alphabetical place among those that begin alike, or before the first `use`.
    pub fn insert_module(&mut self, line: &str) -> bool {
        if self.insert_sorted("pub mod ", line) || self.insert_sorted("mod ", line) {
            return true;
        }
        let mut at = 0;
        for other in self.text.split_inclusive('\n') {
            if other.starts_with("use ") {
                self.insert(at, format!("{line}\n\n"));
                return true;
            }
            at += other.len();
        }
        // A file with nothing but its documentation.
        if self.tokens.is_empty()
            || self.text.lines().all(|line| line.starts_with("//!") || line.is_empty())
        {
            self.insert(self.text.len(), format!("\n{line}\n"));
            return true;
        }
        false
    }

    fn insert_sorted(&mut self, start: &str, line: &str) -> bool {
        let mut lines = Vec::new();
        let mut at = 0;
        for other in self.text.split_inclusive('\n') {
            if other.starts_with(start) && other.trim_end().ends_with(';') {
                lines.push((at, other.len(), other.trim_end().to_owned()));
            }
            at += other.len();
        }
        let Some(last) = lines.last() else { return false };
        let place = lines.iter().find(|(_, _, other)| other.as_str() > line);
        let place = place.map_or(last.0 + last.1, |(at, ..)| *at);
        self.insert(place, format!("{line}\n"));
        true
    }
}

impl Body {
    fn of(group: &Group) -> Self {
        let inside = group.span_open().byte_range().end..group.span_close().byte_range().start;
        Self { tokens: group.stream().into_iter().collect(), inside }
    }

    pub fn inside(&self) -> Range<usize> {
        self.inside.clone()
    }

    /// Every string in it, however deep, by its place.
    pub fn strings(&self) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        walk(&self.tokens.iter().cloned().collect(), &mut |tokens| {
            found.extend(tokens.iter().filter_map(|token| match token {
                TokenTree::Literal(literal) if literal.to_string().starts_with('"') => {
                    Some(literal.span().byte_range())
                }
                _ => None,
            }));
        });
        found.sort_by_key(|range| range.start);
        found
    }

    /// The brackets behind words that stand side by side in it, however deep, each time they do.
    pub fn all_after(&self, words: &[&str], delimiter: Delimiter) -> Vec<Self> {
        let mut found = Vec::new();
        walk(&self.tokens.iter().cloned().collect(), &mut |tokens| {
            for at in 0..tokens.len() {
                let rest = &tokens[at..];
                if rest.len() > words.len()
                    && rest.iter().zip(words).all(|(token, word)| token.to_string() == **word)
                    && let TokenTree::Group(group) = &rest[words.len()]
                    && group.delimiter() == delimiter
                {
                    found.push(Self::of(group));
                }
            }
        });
        found
    }

    /// Whether a word stands in it, however deep.
    pub fn has(&self, word: &str) -> bool {
        let mut has = false;
        walk(&self.tokens.iter().cloned().collect(), &mut |tokens| {
            has |= tokens
                .iter()
                .any(|token| matches!(token, TokenTree::Ident(ident) if ident == word));
        });
        has
    }

    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The word behind another.
    pub fn word_after(&self, word: &str) -> Option<String> {
        let at = self
            .tokens
            .iter()
            .position(|it| matches!(it, TokenTree::Ident(ident) if ident == word))?;
        match self.tokens.get(at + 1)? {
            TokenTree::Ident(ident) => Some(ident.to_string()),
            _ => None,
        }
    }

    /// The braces, brackets or parentheses behind a word in it, or the first at all.
    pub fn group(&self, word: Option<&str>, delimiter: Delimiter) -> Option<Self> {
        let start = match word {
            None => 0,
            Some(word) => self
                .tokens
                .iter()
                .position(|it| matches!(it, TokenTree::Ident(ident) if ident == word))?,
        };
        self.tokens[start..].iter().find_map(|token| match token {
            TokenTree::Group(group) if group.delimiter() == delimiter => Some(Self::of(group)),
            _ => None,
        })
    }

    /// Where an item of a list begins that has this word for its name: behind the separator before it,
    /// at its attributes and its documentation.
    pub fn item(&self, name: &str) -> Option<usize> {
        let mut start = 0;
        for (at, token) in self.tokens.iter().enumerate() {
            match token {
                TokenTree::Punct(comma) if comma.as_char() == ',' => start = at + 1,
                TokenTree::Ident(ident) if ident == name => {
                    let names = match self.tokens.get(at + 1) {
                        Some(TokenTree::Punct(next)) => matches!(next.as_char(), ':' | ','),
                        None => true,
                        _ => false,
                    };
                    if names {
                        return Some(self.tokens[start].span().byte_range().start);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

fn walk(tokens: &TokenStream, see: &mut impl FnMut(&[TokenTree])) {
    let tokens: Vec<_> = tokens.clone().into_iter().collect();
    see(&tokens);
    for token in &tokens {
        if let TokenTree::Group(group) = token {
            walk(&group.stream(), see);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source<'static> {
        Source::parse("src/product.rs", text.to_owned()).unwrap()
    }

    #[test]
    fn a_line_goes_behind_the_last_of_a_macro() {
        let text = "fn routes() {\n    // routes! { no }\n    trireme::routes! {\n        List GET \"/a}\" a; // as it is\n    }\n}\n";
        let mut edited = source(text);
        let body = edited.call("routes").unwrap();
        edited.append_line(&body, "Get GET \"/b\" b;");
        let due = text.replace("// as it is\n", "// as it is\n        Get GET \"/b\" b;\n");
        assert_eq!(edited.finish(), due);
        let mut empty = source("    routes! {}\n");
        let body = empty.call("routes").unwrap();
        empty.append_line(&body, "A;");
        assert_eq!(empty.finish(), "    routes! {\n        A;\n}\n");
    }

    #[test]
    fn an_element_goes_behind_the_last_of_a_list() {
        for (list, due) in
            [("", "\"b\""), ("\"a\"", "\"a\", \"b\""), ("\"a\",\n", "\"a\", \"b\",\n")]
        {
            let mut edited = source(&format!("const TABLES: &[&str] = &[{list}];"));
            let body = edited.after(&["const", "TABLES"], Delimiter::Bracket);
            // The type has brackets as well.
            assert!(body.is_some());
            let body = edited.after(&["=", "&"], Delimiter::Bracket).unwrap();
            edited.append_element(&body, "\"b\"");
            assert_eq!(edited.finish(), format!("const TABLES: &[&str] = &[{due}];"));
        }
    }

    #[test]
    fn a_module_finds_its_alphabetical_place() {
        let mut edited = source("//! It.\n\nmod a;\nmod c;\n\nfn f() {}\n");
        assert!(edited.insert_module("mod b;"));
        assert_eq!(edited.finish(), "//! It.\n\nmod a;\nmod b;\nmod c;\n\nfn f() {}\n");
        let mut edited = source("mod a;\n");
        assert!(edited.insert_module("mod b;"));
        assert_eq!(edited.finish(), "mod a;\nmod b;\n");
    }

    #[test]
    fn one_import_goes_and_another_comes() {
        for (list, due) in
            [("a, no", "a, b"), ("no, a", " a, b"), ("\n    a,\n    no,\n", "\n    a, b,\n")]
        {
            let mut edited = source(&format!("use trireme::{{{list}}};\n"));
            edited.remove_import("no");
            edited.import("trireme", "b");
            assert_eq!(edited.finish(), format!("use trireme::{{{due}}};\n"));
        }
    }

    #[test]
    fn what_is_no_rust_is_told() {
        let told = Source::parse("src/lib.rs", "\nfn }".to_owned()).err().unwrap().to_string();
        assert!(told.starts_with("src/lib.rs can't be read as Rust from line 2 on."), "{told}");
    }
}
