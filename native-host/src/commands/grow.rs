//! `trireme new` and `trireme add`: a product begins, and grows.

mod build;

use std::{env, fs, path::PathBuf};

use serde_json::json;
use trireme_grow::{
    NewFields, NewProduct, NewResource, Refusal, Tree, add_fields, add_resource, commit,
    new_product, root,
};

use crate::program::name;

use super::{
    Failure,
    output::{complain, say, say_json, write},
};

#[derive(clap::Args)]
#[command(after_help = "\
The folder has a library with one resource, its checks, a program for each host, and what platforms ask
for. It is pinned to this version of Trireme. Nothing is asked and nothing overwritten.

Examples:
  trireme new shop
  trireme new shop --trireme ../trireme    on a checkout instead of the repository")]
pub struct New {
    /// Of the folder, the package and the program: a-z, 0-9 and `-`
    name: String,
    /// Depend on this checkout of Trireme
    #[arg(long, value_name = "FOLDER")]
    trireme: Option<PathBuf>,
    #[command(flatten)]
    how: How,
}

#[derive(clap::Subcommand)]
pub enum Add {
    /// Add records of a new kind, with everything that belongs to them
    Resource(Resource),
    /// Add columns to a resource
    Field(Fields),
}

const KINDS: &str = "\
A field is NAME:KIND. Quote it: shells have a use for brackets and question marks.

  text(min..max)    text of so many characters; text(1..200) unless said
  int(min..max)     a whole number, within 2^53 either way unless said
  float, bool       a number; true or false
  date, time        2026-11-26; 2026-11-26T12:00:00.000Z
  uuid, json        a UUID; any JSON
  bytes(..max)      bytes, in JSON as base64; bytes(..65536) unless said
  enum(a,b,c)       one of these words
  ref(customers)    a record of the same user's: the column is NAME_id

`?` behind a kind makes it nullable, `=value` gives a default.";

#[derive(clap::Args)]
#[command(after_help = KINDS, after_long_help = KINDS)]
pub struct Resource {
    /// Its plural: the table, the module and the path
    name: String,
    /// NAME:KIND, as below
    #[arg(required = true)]
    fields: Vec<String>,
    /// Its singular, where that does not follow
    #[arg(long)]
    singular: Option<String>,
    /// No two records of a user have the same; several names by commas are unique together
    #[arg(long, value_name = "FIELD,…")]
    unique: Vec<String>,
    #[command(flatten)]
    how: How,
}

#[derive(clap::Args)]
#[command(after_help = KINDS, after_long_help = KINDS)]
pub struct Fields {
    /// The plural
    resource: String,
    /// NAME:KIND, as below; records that are there need `?` or a default
    #[arg(required = true)]
    fields: Vec<String>,
    #[command(flatten)]
    how: How,
}

#[derive(clap::Args)]
struct How {
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
    /// Leave openapi.json and migrations/d1 for later: they need the product to compile
    #[arg(long)]
    no_build: bool,
}

/// What `--no-build` leaves for later: the document is in the program, and the tests hold it to the code.
const BY_HAND: [&str; 2] =
    ["cargo run -q -- openapi > openapi.json", "cargo run -q -- migrate --d1 migrations/d1"];

pub fn new(args: &New) -> Result<(), Failure> {
    let asked = NewProduct { name: args.name.clone(), trireme: args.trireme.clone() };
    let tree = new_product(&here()?, &asked).map_err(refused)?;
    if let Some(checkout) = &args.trireme {
        complain(format_args!(
            "It depends on {}: who builds it, CI and the Dockerfile too, needs that checkout in the same place.",
            checkout.display()
        ));
    }
    let was_there = tree.root().exists();
    let applied = apply(&tree, &args.how, &[format!("cd {}", args.name)], &["cargo run"]);
    if applied.is_err() && !was_there {
        // What the compiler has put there, and the folder unless there is something else in it.
        let _ = fs::remove_dir_all(tree.root().join("target"));
        let _ = fs::remove_dir(tree.root());
    }
    applied
}

pub fn add(add: &Add) -> Result<(), Failure> {
    let root = root(&here()?).map_err(refused)?;
    if let Some(left) = commit::recover(&root).map_err(refused)? {
        complain("A command was ended while it wrote here: what it wrote was taken back.");
        name_left(&left);
    }
    let mut tree = Tree::new(root);
    let how = match add {
        Add::Resource(args) => {
            let asked = NewResource {
                name: args.name.clone(),
                singular: args.singular.clone(),
                fields: args.fields.clone(),
                unique: args.unique.clone(),
            };
            let singular = add_resource(&mut tree, &asked).map_err(refused)?;
            if args.singular.is_none() {
                complain(format_args!(
                    "One of `{}` is called `{singular}`. To call it otherwise: --singular NAME",
                    args.name
                ));
            }
            &args.how
        }
        Add::Field(args) => {
            let asked = NewFields { resource: args.resource.clone(), fields: args.fields.clone() };
            add_fields(&mut tree, &asked).map_err(refused)?;
            &args.how
        }
    };
    apply(&tree, how, &[], &["cargo test", "cargo run"])
}

fn here() -> Result<PathBuf, Failure> {
    env::current_dir().map_err(|error| Failure::no(format!("There is no current folder: {error}.")))
}

fn refused(refusal: Refusal) -> Failure {
    Failure::usage(refusal.to_string().replace(": trireme ", &format!(": {} ", name())))
}

/// Says which files are as somebody has changed them while a command wrote.
fn name_left(left: &[String]) {
    for path in left {
        complain(format_args!(
            "{path} was changed meanwhile, and is left so. Take out by hand what the command wrote there."
        ));
    }
}

/// Writes what is planned and proves that it compiles, or shows it. What is to be done next: `first`,
/// what was left for later, and `then`.
fn apply(tree: &Tree, how: &How, first: &[String], then: &[&str]) -> Result<(), Failure> {
    if how.dry_run {
        let changes: Vec<_> = tree.changes().collect();
        return if how.json {
            say_json(&json!({ "changes": changes }))
        } else {
            write(&tree.diff())
        };
    }
    let mut written = commit::write(tree).map_err(refused)?;
    let built = if how.no_build {
        Ok(())
    } else {
        build::documents(tree.root()).and_then(|made| written.add(&made).map_err(refused))
    };
    if let Err(failure) = built {
        name_left(&written.restore().map_err(refused)?);
        return Err(failure);
    }
    let later: &[&str] = if how.no_build { &BY_HAND } else { &[] };
    let next: Vec<_> =
        first.iter().map(String::as_str).chain(later.iter().chain(then).copied()).collect();
    let files: Vec<_> = written.files().map(|(path, is_new)| (path.to_owned(), is_new)).collect();
    written.keep().map_err(refused)?;
    if how.json {
        let paths: Vec<_> = files.iter().map(|(path, _)| path).collect();
        return say_json(&json!({ "folder": tree.root(), "written": paths, "next": next }));
    }
    let lines = files
        .iter()
        .map(|(path, is_new)| format!("{} {path}\n", if *is_new { "created" } else { "changed" }));
    say(format!("{}\nNext:\n  {}", lines.collect::<String>(), next.join("\n  ")))
}
