//! A product's folder: what is there, and the places where a resource is entered.

use std::path::{Path, PathBuf};

use proc_macro2::Delimiter;

use crate::{
    migration::{self, DIALECTS},
    names::Names,
    refusal::{Refusal, Result},
    rust::{Body, Source},
    spec::Field,
    tree::Tree,
    words,
};

/// The first number of a product's series of migrations.
const FIRST: u32 = 1001;

/// The folder of the product that a folder belongs to.
pub fn root(from: &Path) -> Result<PathBuf> {
    let is_product = |folder: &&Path| {
        ["Cargo.toml", "src/lib.rs", "migrations/postgres", "migrations/sqlite"]
            .iter()
            .all(|path| folder.join(path).exists())
    };
    from.ancestors().find(is_product).map(Path::to_owned).ok_or_else(|| {
        Refusal::new(
            format!("{} is not in a product's folder.", from.display()),
            "Go into one, or begin one: trireme new NAME",
        )
    })
}

/// A product whose files are edited in a tree.
pub struct Product<'t> {
    pub tree: &'t mut Tree,
}

impl Product<'_> {
    /// Its resources: the folders that have statements.
    pub fn resources(&self) -> Result<Vec<String>> {
        let names = self.tree.names("src")?;
        let is_one = |name: &String| Ok(self.tree.find(&format!("src/{name}/sql.rs"))?.is_some());
        names
            .into_iter()
            .filter_map(|name| is_one(&name).map(|is| is.then_some(name)).transpose())
            .collect()
    }

    /// The names of its crate and of its type.
    pub fn names(&self) -> Result<Option<(String, String)>> {
        let manifest = self.tree.read("Cargo.toml")?;
        let package =
            manifest.split("[package]").nth(1).and_then(|it| it.split("name = \"").nth(1));
        let Some(package) = package.and_then(|it| it.split('"').next()) else { return Ok(None) };
        for name in self.tree.names("src")?.iter().filter(|name| name.strip_suffix(".rs").is_some())
        {
            let text = self.tree.read(&format!("src/{name}"))?;
            if let Some(rest) = text.split("impl Product for ").nth(1) {
                let kind = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                return Ok(Some((package.replace('-', "_"), kind.to_owned())));
            }
        }
        Ok(None)
    }

    /// Edits the one file of the library's that has what `place` finds.
    pub fn edit_where<T>(
        &mut self,
        what: &str,
        by_hand: &str,
        place: impl Fn(&Source<'_>) -> Option<T>,
        edit: impl FnOnce(&mut Source<'_>, T, &str),
    ) -> Result<()> {
        let files = self.tree.names("src")?;
        for name in files.iter().filter(|name| name.strip_suffix(".rs").is_some()) {
            let path = format!("src/{name}");
            let mut source = Source::parse(&path, self.tree.read(&path)?)?;
            if let Some(found) = place(&source) {
                edit(&mut source, found, &path);
                let text = source.finish();
                return self.tree.change(&path, text);
            }
        }
        Err(Refusal::new(
            format!(
                "No file in {} has {what} that could be edited.",
                self.tree.root().join("src").display()
            ),
            format!("Nothing was written. By hand: {by_hand}"),
        ))
    }

    /// Edits one file.
    pub fn edit(
        &mut self,
        path: &str,
        edit: impl FnOnce(&mut Source<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut source = Source::parse(path, self.tree.read(path)?)?;
        edit(&mut source)?;
        let text = source.finish();
        self.tree.change(path, text)
    }

    /// Adds a migration in both dialects, and enters it.
    pub fn add_migration(
        &mut self,
        name: &str,
        sql: impl Fn(migration::Dialect) -> String,
    ) -> Result<()> {
        let files = self.tree.names("migrations/postgres")?;
        let number = |file: &String| file.split('_').next()?.parse::<u32>().ok();
        let number =
            files.iter().filter_map(number).max().map_or(FIRST, |last| (last + 1).max(FIRST));
        let name = format!("{number}_{name}");
        for (dialect, folder) in DIALECTS {
            self.tree.create(format!("migrations/{folder}/{name}.sql"), sql(dialect))?;
        }
        self.edit_where(
            "`migrations!`",
            &format!("add {number} \"{name}\" to it."),
            |source| source.call("migrations"),
            |source, body, _| source.append_entry(&body, &format!("{number} \"{name}\"")),
        )
    }

    /// Enters a new resource wherever a product names its resources.
    pub fn enter(&mut self, names: &Names) -> Result<()> {
        let plural = &names.plural;
        let line = format!("pub mod {plural};");
        self.edit("src/lib.rs", |source| {
            if source.insert_module(&line) {
                return Ok(());
            }
            Err(source.lost("`pub mod …;`", &format!("add `{line}`.")))
        })?;
        self.add_routes(names)?;
        self.edit_where(
            "`const TABLES`",
            &format!("add \"{plural}\" to Product::TABLES, before what it refers to."),
            |source| source.after_assignment("TABLES", Delimiter::Bracket),
            |source, body, _| source.prepend_element(&body, &format!("\"{plural}\"")),
        )?;
        let tag = format!(
            "Tag {{ name: \"{plural}\", description: \"{}.\" }}",
            crate::resource::capital(&plural.replace('_', " "))
        );
        self.edit_where(
            "`tags: &[…]`",
            &format!("add `{tag}` to About::tags."),
            |source| source.after(&["tags", ":"], Delimiter::Bracket),
            |source, body, _| source.append_element(&body, &tag),
        )
    }

    fn add_routes(&mut self, names: &Names) -> Result<()> {
        let (plural, record) = (&names.plural, names.record());
        let many = crate::names::pascal(plural);
        let (words, a) = (names.plural.replace('_', " "), names.a());
        let path = format!("/api/v1/{plural}");
        let lines = |module: &str| {
            [
                format!("List{many} GET \"{path}\" User(query) {module}::list, \"List {words}\";"),
                format!("Create{record} POST \"{path}\" User {module}::create, \"Create {a}\";"),
                format!("Get{record} GET \"{path}/{{id}}\" User {module}::get, \"Read {a}\";"),
                format!(
                    "Update{record} PATCH \"{path}/{{id}}\" User {module}::update, \"Change {a}\";"
                ),
                format!(
                    "Delete{record} DELETE \"{path}/{{id}}\" User {module}::delete, \"Delete {a}\";"
                ),
            ]
        };
        let by_hand = format!("add these lines to it:\n  {}", lines(plural).join("\n  "));
        self.edit_where(
            "`routes!`",
            &by_hand,
            |source| source.call("routes"),
            |source, body, file| {
                let module =
                    if file == "src/lib.rs" { plural.clone() } else { format!("crate::{plural}") };
                if !body.is_empty() {
                    source.append_blank(&body);
                }
                for line in lines(&module) {
                    source.append_line(&body, &line);
                }
            },
        )
    }

    /// Adds error codes to the product's own.
    pub fn add_codes(&mut self, lines: &[String]) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let has = |source: &Source<'_>| source.call("codes");
        let by_hand = format!("add these lines to it:\n  {}", lines.join("\n  "));
        if self.finds(has)? {
            return self.edit_where("`codes!`", &by_hand, has, |source, body, _| {
                source.append_lines(&body, lines);
            });
        }
        let lines = lines.iter().map(|line| format!("    {line}\n")).collect::<String>();
        self.tree.create(
            "src/codes.rs",
            format!("//! Errors of this product's own.\n\ntrireme::codes! {{\n{lines}}}\n"),
        )?;
        self.edit("src/lib.rs", |source| {
            if source.insert_module("pub mod codes;") {
                return Ok(());
            }
            Err(source.lost("`pub mod …;`", "add `pub mod codes;`."))
        })?;
        self.edit_where(
            "`const TABLES`",
            "add `const CODES` to the product.",
            |source| source.after_assignment("TABLES", Delimiter::Bracket),
            |source, body, _| {
                source.insert_statement(
                    &body,
                    "const CODES: &'static [trireme::error::Documented] = crate::codes::CODES;",
                );
            },
        )
    }

    fn finds(&self, place: impl Fn(&Source<'_>) -> Option<Body>) -> Result<bool> {
        for name in self.tree.names("src")?.iter().filter(|name| name.strip_suffix(".rs").is_some())
        {
            let path = format!("src/{name}");
            if place(&Source::parse(&path, self.tree.read(&path)?)?).is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Refuses references to what is not there.
    pub fn check_references(&self, typed: &[String], fields: &[Field], own: &str) -> Result<()> {
        let resources = self.resources()?;
        for (typed, field) in typed.iter().zip(fields) {
            let crate::spec::Kind::Ref(to) = &field.kind else { continue };
            let own_nullable = to == own && field.nullable;
            if own_nullable || (to != own && resources.contains(to)) {
                continue;
            }
            let at = typed.find('(').map_or(0, |it| it + 1);
            let there = if resources.is_empty() { "none".to_owned() } else { resources.join(", ") };
            let refusal = if to == own {
                Refusal::new(
                    "The first record could refer to none of its own kind.",
                    "Make it nullable: put `?` behind the kind.",
                )
            } else if to == "users" {
                Refusal::new(
                    "Every record is one user's already, by its `user_id`; it refers to no other.",
                    format!("Refer to a resource, such as one of: {there}."),
                )
            } else if words::is_core(to) {
                Refusal::new(
                    format!("`{to}` is Trireme's own, and no resource."),
                    format!("Refer to a resource, such as one of: {there}."),
                )
            } else {
                Refusal::new(
                    format!("There is no resource `{to}`."),
                    format!("Add it first: trireme add resource {to} …. There are: {there}."),
                )
            };
            return Err(refusal.at(typed, at..at + to.len()));
        }
        Ok(())
    }
}
