//! A column in the statements of a resource. Whatever else stands in them stays.

use std::ops::Range;

use proc_macro2::Delimiter;

use crate::{
    field::Filter,
    names::Names,
    refusal::Result,
    resource,
    rust::{Body, Source},
    spec::Field,
};

/// Of a line, beyond which rustfmt leaves it alone.
const WIDTH: usize = 100;

/// A function that makes a statement: its strings, and the list of its arguments.
struct Statement {
    strings: Vec<Range<usize>>,
    arguments: Body,
    /// The number of the next argument.
    next: usize,
}

fn find(source: &Source<'_>, function: &str) -> Option<Statement> {
    let body = source.after(&["fn", function], Delimiter::Brace)?;
    let mut arguments = body.all_after(&["vec", "!"], Delimiter::Bracket);
    let arguments = if arguments.len() == 1 { arguments.pop()? } else { return None };
    let strings = body.strings();
    let numbers = strings.iter().flat_map(|range| numbers(source.text(range.clone())));
    let next = numbers.max().unwrap_or(0) + 1;
    Some(Statement { strings, arguments, next })
}

/// The numbers of `$n` in a text.
fn numbers(text: &str) -> impl Iterator<Item = usize> {
    text.split('$').skip(1).filter_map(|rest| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().ok()
    })
}

impl Statement {
    /// The place of a word in its strings, if it stands there once.
    fn place(&self, source: &Source<'_>, word: &str) -> Option<usize> {
        let mut places = self.strings.iter().filter_map(|range| {
            let text = source.text(range.clone());
            let at = text.find(word)?;
            (text.rfind(word) == Some(at)).then_some(range.start + at)
        });
        let place = places.next()?;
        if places.next().is_some() { None } else { Some(place) }
    }

    fn append(&self, source: &mut Source<'_>, arguments: &[String]) {
        for argument in arguments {
            source.append_entry(&self.arguments, argument.trim_end_matches(','));
        }
    }
}

/// In the column list, in what is selected at the same place, and behind all arguments.
pub fn add_to_create(source: &mut Source<'_>, names: &Names, field: &Field) -> Result<()> {
    let by_hand = format!("insert `{}` there.", field.name);
    let lost = |source: &Source<'_>| source.lost("`fn create` with one INSERT … SELECT", &by_hand);
    let statement = find(source, "create").ok_or_else(|| lost(source))?;
    let places = (|| {
        let insert = statement.place(source, &format!("INSERT INTO {} (", names.plural))?;
        let string = statement.strings.iter().find(|range| range.contains(&insert))?;
        let text = source.text(insert..string.end);
        let open = text.find('(')? + 1;
        let close = text.find(')')?;
        let columns: Vec<&str> = text[open..close].split(',').collect();
        let column = columns.iter().position(|it| it.trim() == "created_at")?;
        let before: usize = columns[..column].iter().map(|it| it.len() + 1).sum();
        let select = close + text[close..].find("SELECT ")? + "SELECT ".len();
        let values: Vec<&str> = text[select..].split(',').collect();
        let selected: usize = values.get(..column)?.iter().map(|it| it.len() + 1).sum();
        let guard = text.find("WHERE ")? + "WHERE ".len();
        let plain = values[..column].iter().all(|value| !value.contains(['(', '\n']));
        plain.then_some((insert + open + before, insert + select + selected, insert + guard))
    })();
    let (column, value, guard) = places.ok_or_else(|| lost(source))?;
    let number = statement.next;
    let width = source.text(source.line_start(column)..column).len() + field.name.len();
    let is_full = width > WIDTH - " created_at, updated_at, version)".len();
    source
        .insert(column, format!("{} {},", if is_full { "\n            " } else { "" }, field.name));
    source.insert(value, format!(" ${number},"));
    if let Some(condition) = field.guard(number, field.nullable, 9) {
        source.insert(guard, format!("{condition}\n         AND "));
    }
    statement.append(source, &[field.create_argument(&names.singular)]);
    Ok(())
}

/// Before what every change sets.
pub fn add_to_update(source: &mut Source<'_>, field: &Field) -> Result<()> {
    let by_hand = format!("set `{}` there.", field.name);
    let lost = |source: &Source<'_>| source.lost("`fn update` with one UPDATE … SET", &by_hand);
    let statement = find(source, "update").ok_or_else(|| lost(source))?;
    let (set, arguments) = field.change(statement.next);
    let place = statement.place(source, "updated_at = ").ok_or_else(|| lost(source))?;
    let indent = source.indent(place);
    let starts_line = source.text(source.line_start(place)..place).trim().is_empty();
    source.insert(place, if starts_line { format!("{set}\n{indent}") } else { format!("{set} ") });
    if let Some(guard) = field.guard(statement.next + arguments.len() - 1, true, 13) {
        let place = statement.place(source, "RETURNING ").ok_or_else(|| lost(source))?;
        let indent = source.indent(place);
        source.insert(place, format!("AND {guard}\n{indent}"));
    }
    statement.append(source, &arguments);
    Ok(())
}

/// Behind the last filter, or in place of a list that had none.
pub fn add_to_list(source: &mut Source<'_>, names: &Names, field: &Field) -> Result<()> {
    let filters = field.filters(false);
    if filters.is_empty() {
        return Ok(());
    }
    let all = resource::list_all(names);
    if let Some(at) = source.find(&all) {
        let narrowed = resource::list_narrowed(names, &filters.iter().collect::<Vec<_>>());
        source.replace(at..at + all.len(), narrowed);
        source.import("super", "list");
        return Ok(());
    }
    let lines: Vec<String> = filters.iter().map(Filter::narrows).collect();
    let by_hand = format!("add to it:\n  {}", lines.join("\n  "));
    let body = source.after(&["fn", "list"], Delimiter::Brace);
    let last = body.and_then(|body| body.all_after(&["narrow"], Delimiter::Parenthesis).pop());
    let Some(last) = last else {
        return Err(source.lost("`fn list` with `narrow(…)`", &by_hand));
    };
    let indent = source.indent(last.inside().start);
    let end = last.inside().end + ");".len();
    source.insert(end, lines.iter().map(|line| format!("\n{indent}{line}")).collect::<String>());
    Ok(())
}
