//! Names: what may be one, plural and singular, and their cases.

use crate::{
    refusal::{Refusal, Result},
    words,
};

/// PostgreSQL cuts what is longer, and constraints are called `table_user_id_column_key`.
const LONGEST: usize = 24;

const ANOTHER: &str = "Give another singular: --singular NAME.";

/// A resource by its names: `line_items`, `line_item`, `LineItem`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The table, the module and the path.
    pub plural: String,
    pub singular: String,
}

impl Names {
    /// By the plural, and by the singular where it does not follow from that.
    pub fn new(plural: &str, singular: Option<&str>) -> Result<Self> {
        let at = |refusal: Refusal| refusal.at(plural, 0..plural.len());
        check(plural).map_err(at)?;
        if words::is_core(plural) {
            let what = format!("`{plural}` is a name of Trireme's own.");
            return Err(at(Refusal::new(what, "Call the resource something else.")));
        }
        if plural.starts_with("sqlite_") {
            let what = format!("`{plural}` is a name of SQLite's own.");
            return Err(at(Refusal::new(what, "Call the resource something else.")));
        }
        let Some(one) = singular.map(str::to_owned).or_else(|| self::singular(plural)) else {
            let what =
                format!("A resource is called by its plural; no singular of `{plural}` is known.");
            return Err(at(Refusal::new(
                what,
                "Give a plural, or the singular besides: --singular NAME.",
            )));
        };
        check(&one).map_err(|refusal| match singular {
            Some(_) => refusal.at(&one, 0..one.len()),
            None => at(refusal.with_remedy(ANOTHER)),
        })?;
        let singular = one;
        if singular == plural {
            let what = format!("`{plural}` is both the plural and the singular.");
            return Err(Refusal::new(what, ANOTHER));
        }
        let names = Self { plural: plural.to_owned(), singular };
        if words::is_local(&names.singular) {
            let what =
                format!("`{}` is what a resource's code calls something else.", names.singular);
            return Err(at(Refusal::new(what, ANOTHER)));
        }
        if words::is_type(&names.record()) {
            let what = format!("The record would be called `{}`, which is taken.", names.record());
            return Err(at(Refusal::new(what, ANOTHER)));
        }
        Ok(names)
    }

    /// The record's type: `LineItem`.
    pub fn record(&self) -> String {
        pascal(&self.singular)
    }

    /// In prose: `line item`.
    pub fn words(&self) -> String {
        self.singular.replace('_', " ")
    }

    /// In prose, with its article: `a line item`.
    pub fn a(&self) -> String {
        let vowel = self.singular.starts_with(['a', 'e', 'i', 'o', 'u'])
            || self.singular.starts_with("hour");
        let consonant = ["uni", "use", "eu", "one"].iter().any(|it| self.singular.starts_with(it));
        format!("{} {}", if vowel && !consonant { "an" } else { "a" }, self.words())
    }
}

/// Whether a table, a column or a module may be called so.
pub fn check(name: &str) -> Result<()> {
    let shaped = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !name.ends_with('_')
        && !name.contains("__");
    if !shaped {
        let what = format!("`{name}` is no name.");
        return Err(Refusal::new(
            what,
            "Use a-z, 0-9 and single `_` between them, a letter first.",
        ));
    }
    if name.len() > LONGEST {
        let what = format!("`{name}` is too long.");
        return Err(Refusal::new(what, format!("Use {LONGEST} characters at most.")));
    }
    if let Some(owner) = words::owner(name) {
        let what = format!("`{name}` is a word of {owner}'s.");
        return Err(Refusal::new(
            what,
            format!("Use another name, or put a word before it: `my_{name}`."),
        ));
    }
    Ok(())
}

/// `line_item` → `LineItem`.
pub fn pascal(name: &str) -> String {
    name.split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters)
        })
        .collect()
}

/// `LineItem` → `line_item`.
pub fn snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// What does not follow from its ending: the plural, and the singular.
const IRREGULAR: &str = "people person, children child, men man, women woman, mice mouse, lice louse, \
    oxen ox, dice die, feet foot, teeth tooth, geese goose, indices index, matrices matrix, \
    vertices vertex, appendices appendix, criteria criterion, phenomena phenomenon, media medium, \
    curricula curriculum, analyses analysis, axes axis, bases base, crises crisis, diagnoses diagnosis, \
    ellipses ellipsis, hypotheses hypothesis, oases oasis, parentheses parenthesis, prognoses prognosis, \
    synopses synopsis, syntheses synthesis, theses thesis, quizzes quiz, waltzes waltz, menus menu, \
    gurus guru, emojis emoji, skis ski, taxis taxi, birdies birdie, brownies brownie, calories calorie, \
    cookies cookie, genies genie, hoodies hoodie, movies movie, neckties necktie, prairies prairie, \
    rookies rookie, selfies selfie, smoothies smoothie, zombies zombie, aches ache, avalanches avalanche, \
    caches cache, headaches headache, moustaches moustache, niches niche, psyches psyche, \
    quiches quiche, toothaches toothache, tranches tranche, lenses lens, gases gas, aliases alias, \
    atlases atlas, biases bias, canvases canvas, abuses abuse, excuses excuse, fuses fuse, muses muse, \
    ruses ruse, uses use, canoes canoe, foes foe, hoes hoe, oboes oboe, shoes shoe, toes toe, \
    calves calf, elves elf, halves half, hooves hoof, knives knife, leaves leaf, lives life, \
    loaves loaf, scarves scarf, selves self, shelves shelf, thieves thief, wives wife, wolves wolf";

/// Ends as a plural, and is none, or has no other singular.
const NONE: &str = "alias analytics atlas bias canvas chaos economics ethics gas lens logistics mathematics \
    mechanics news physics politics series species";

/// The singular of a plural, by its last word.
fn singular(plural: &str) -> Option<String> {
    let (before, word) =
        plural.rsplit_once('_').map_or(("", plural), |(before, word)| (before, word));
    let mut irregular = IRREGULAR.split(", ").filter_map(|pair| pair.split_once(' '));
    let one = if let Some((_, one)) = irregular.find(|(many, _)| *many == word) {
        one.to_owned()
    } else if NONE.split(' ').any(|none| none == word) {
        return None;
    } else if let Some(stem) = word.strip_suffix("ies") {
        format!("{stem}{}", if stem.len() > 1 { "y" } else { "ie" })
    } else if ["sses", "shes", "ches", "xes", "zzes", "oes"].iter().any(|end| word.ends_with(end))
        || (word.ends_with("uses") && !["auses", "ouses"].iter().any(|end| word.ends_with(end)))
    {
        word[..word.len() - 2].to_owned()
    } else {
        let stem = word.strip_suffix('s')?;
        // Not `address`, `status`, `analysis`.
        if stem.ends_with(['s', 'u', 'i']) || stem.is_empty() {
            return None;
        }
        stem.to_owned()
    };
    Some(if before.is_empty() { one } else { format!("{before}_{one}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn singular_follows_from_plural() {
        for (plural, singular, record) in [
            ("invoices", "invoice", "Invoice"),
            ("companies", "company", "Company"),
            ("statuses", "status", "Status"),
            ("addresses", "address", "Address"),
            ("mailboxes", "mailbox", "Mailbox"),
            ("branches", "branch", "Branch"),
            ("databases", "database", "Database"),
            ("houses", "house", "House"),
            ("ties", "tie", "Tie"),
            ("people", "person", "Person"),
            ("line_items", "line_item", "LineItem"),
            ("home_addresses", "home_address", "HomeAddress"),
            ("heroes", "hero", "Hero"),
            ("days", "day", "Day"),
            ("quizzes", "quiz", "Quiz"),
            ("diagnoses", "diagnosis", "Diagnosis"),
            ("selves", "self", "Self"),
            ("headaches", "headache", "Headache"),
            ("coaches", "coach", "Coach"),
            ("axes", "axis", "Axis"),
            ("children", "child", "Child"),
        ] {
            assert_eq!(self::singular(plural).as_deref(), Some(singular));
            assert_eq!(pascal(singular), record);
            assert_eq!(snake(record), singular);
        }
        for none in
            ["invoice", "status", "address", "sheep", "s", "series", "species", "news", "lens"]
        {
            assert_eq!(singular(none), None, "{none}");
        }
    }

    #[test]
    fn a_refused_name_comes_with_a_remedy() {
        for (plural, singular, due) in [
            ("diagnosis", None, "Give a plural, or the singular besides: --singular NAME."),
            ("series", None, "no singular of `series` is known."),
            (
                "cases",
                None,
                "`case` is a word of PostgreSQL's.\n  cases\n  ^^^^^\nGive another singular",
            ),
            ("cases", Some("case"), "put a word before it: `my_case`."),
            ("sqlite_things", None, "`sqlite_things` is a name of SQLite's own."),
            ("d1_migrations", None, "`d1_migrations` is a name of Trireme's own."),
            ("Invoices", None, "Use a-z, 0-9 and single `_` between them, a letter first."),
            ("selects", Some("select"), "Use another name"),
            ("wheres", None, "`where` is a word of Rust's."),
            ("orders", None, "`order` is a word of PostgreSQL's."),
            ("results", None, "--singular NAME"),
            ("keys", None, "`key` is what a resource's code calls something else."),
            ("sessions", None, "`sessions` is a name of Trireme's own."),
            ("sheep", Some("sheep"), "--singular NAME"),
            (&"a".repeat(25), None, "Use 24 characters at most."),
        ] {
            let told = Names::new(plural, singular).unwrap_err().to_string();
            assert!(told.contains(due), "{told}");
        }
        assert_eq!(Names::new("sheep", Some("one_sheep")).unwrap().a(), "a one sheep");
        assert_eq!(Names::new("invoices", None).unwrap().a(), "an invoice");
    }
}
