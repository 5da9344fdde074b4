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

pub fn new(args: &New) -> Result<(), Failure> {
    let asked = NewProduct { name: args.name.clone(), trireme: args.trireme.clone() };
    let tree = new_product(&here()?, &asked).map_err(refused)?;
    let was_there = tree.root().exists();
    let next = [format!("cd {}", args.name), "cargo run".to_owned()];
    let applied = apply(&tree, &args.how, &next);
    if applied.is_err() && !was_there {
        // With what the compiler has put there.
        let _ = fs::remove_dir_all(tree.root());
    }
    applied
}

pub fn add(add: &Add) -> Result<(), Failure> {
    let root = root(&here()?).map_err(refused)?;
    if commit::recover(&root).map_err(refused)? {
        complain("A command was ended while it wrote here: what it wrote was taken back.");
    }
    let mut tree = Tree::new(root);
    let (planned, how) = match add {
        Add::Resource(args) => {
            let asked = NewResource {
                name: args.name.clone(),
                singular: args.singular.clone(),
                fields: args.fields.clone(),
                unique: args.unique.clone(),
            };
            (add_resource(&mut tree, &asked), &args.how)
        }
        Add::Field(args) => {
            let asked = NewFields { resource: args.resource.clone(), fields: args.fields.clone() };
            (add_fields(&mut tree, &asked), &args.how)
        }
    };
    planned.map_err(refused)?;
    apply(&tree, how, &["cargo test".to_owned(), "cargo run".to_owned()])
}

fn here() -> Result<PathBuf, Failure> {
    env::current_dir().map_err(|error| Failure::no(format!("There is no current folder: {error}.")))
}

fn refused(refusal: Refusal) -> Failure {
    Failure::usage(refusal.to_string().replace(": trireme ", &format!(": {} ", name())))
}

/// Writes what is planned and proves that it compiles, or shows it.
fn apply(tree: &Tree, how: &How, next: &[String]) -> Result<(), Failure> {
    if how.dry_run {
        let changes: Vec<_> = tree.changes().collect();
        return if how.json {
            say_json(&json!({ "changes": changes }))
        } else {
            write(&tree.diff())
        };
    }
    let written = commit::write(tree).map_err(refused)?;
    let built = if how.no_build { Ok(()) } else { build::documents(tree.root()) };
    if let Err(failure) = built {
        written.restore().map_err(refused)?;
        return Err(failure);
    }
    written.keep().map_err(refused)?;
    let mut next = next.to_vec();
    if how.no_build {
        let by_hand = [
            "cargo run -q -- openapi > openapi.json",
            "cargo run -q -- migrate --d1 migrations/d1",
        ];
        next.splice(next.len() - 1.., by_hand.map(str::to_owned));
    }
    let paths: Vec<_> = tree.changes().map(|change| change.path.to_owned()).collect();
    if how.json {
        return say_json(&json!({ "folder": tree.root(), "written": paths, "next": next }));
    }
    let lines = tree.changes().map(|change| {
        format!("{} {}\n", if change.before.is_some() { "changed" } else { "created" }, change.path)
    });
    say(format!("{}\nNext:\n  {}", lines.collect::<String>(), next.join("\n  ")))
}
