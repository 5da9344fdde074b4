//! `trireme new`.

use std::{
    fs, io, iter,
    path::{Component, Path, PathBuf},
};

use crate::{
    add::{self, NewResource},
    names,
    refusal::{Refusal, Result},
    template::fill,
    tree::Tree,
    words,
};

/// What is typed behind `trireme new`.
#[derive(Clone, Debug)]
pub struct NewProduct {
    /// The folder's and the program's.
    pub name: String,
    /// A checkout of Trireme, instead of its repository.
    pub trireme: Option<PathBuf>,
}

const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");
const VERSION: &str = env!("CARGO_PKG_VERSION");
const RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// What its tests ran with: later versions of what Trireme depends on may differ.
const LOCK: &str = include_str!("../../Cargo.lock");

macro_rules! files {
    ($($path:literal from $template:literal,)*) => {
        [$(($path, include_str!(concat!("../templates/product/", $template)))),*]
    };
}

const FILES: [(&str, &str); 25] = files! {
    "Cargo.toml" from "Cargo.toml",
    "src/lib.rs" from "src/lib.rs",
    "checks/Cargo.toml" from "checks/Cargo.toml",
    "checks/src/lib.rs" from "checks/src/lib.rs",
    "native/Cargo.toml" from "native/Cargo.toml",
    "native/src/main.rs" from "native/src/main.rs",
    "native/tests/contract.rs" from "native/tests/contract.rs",
    "native/tests/document.rs" from "native/tests/document.rs",
    "tests/requests/main.rs" from "tests/main.rs",
    "worker/Cargo.toml" from "worker/Cargo.toml",
    "worker/src/lib.rs" from "worker/src/lib.rs",
    "spin/Cargo.toml" from "spin/Cargo.toml",
    "spin/src/lib.rs" from "spin/src/lib.rs",
    "README.md" from "README.md",
    "Dockerfile" from "Dockerfile",
    "Procfile" from "Procfile",
    "railway.toml" from "railway.toml",
    "wrangler.toml" from "wrangler.toml",
    "spin.toml" from "spin.toml",
    "clippy.toml" from "clippy.toml",
    "rustfmt.toml" from "rustfmt.toml",
    ".gitignore" from "gitignore",
    ".dockerignore" from "dockerignore",
    ".github/workflows/ci.yml" from "github/ci.yml",
    "openapi.json" from "openapi.json",
};

/// Other packages and crates that its code names.
const NEEDED: [&str; 9] = [
    "alloc",
    "proc",
    "schemars",
    "serde",
    "serde-json",
    "test",
    "tokio",
    "validator",
    "wit-bindgen",
];

/// The packages of Trireme that a product depends on, by the names of their placeholders and folders.
const PACKAGES: [(&str, &str); 7] = [
    ("trireme", "handlers"),
    ("native", "native-host"),
    ("verify", "verify"),
    ("testbed", "testbed"),
    ("workers", "worker-host"),
    ("spin", "spin-host"),
    ("world", "world"),
];

/// Plans a product in a folder of its name within `parent`, with one resource.
pub fn product(parent: &Path, asked: &NewProduct) -> Result<Tree> {
    let name = &asked.name;
    check(name).map_err(|refusal| refusal.at(name, 0..name.len()))?;
    let root = parent.join(name);
    let is_empty = match fs::read_dir(&root) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(Refusal::io("read", &root, &error)),
    };
    if !is_empty {
        let what = format!("{} is there already, and not empty.", root.display());
        return Err(Refusal::new(
            what,
            "Nothing is overwritten: take another name, or move it away.",
        ));
    }
    let trireme = asked.trireme.as_deref().map(|path| checkout(parent, path)).transpose()?;

    let dependency = |folder: &str| match &trireme {
        Some(checkout) => format!("path = {:?}", checkout.join(folder).display().to_string()),
        None => format!("git = \"{REPOSITORY}\", tag = \"v{VERSION}\""),
    };
    let build = match &trireme {
        Some(checkout) => format!(
            "cargo run --quiet --manifest-path {}/Cargo.toml --package trireme-xtask --",
            checkout.display()
        ),
        None => "xtask".to_owned(),
    };
    let series = name.replace('-', "_");
    let title = crate::resource::capital(&name.replace('-', " "));
    let product = names::pascal(&series);
    let packages = PACKAGES.map(|(package, folder)| (package, dependency(folder)));
    let mut values = vec![
        ("name", name.as_str()),
        ("lib", &series),
        ("series", &series),
        ("Product", &product),
        ("Title", &title),
        ("rust", RUST),
        ("repository", REPOSITORY),
        ("build", &build),
    ];
    values.extend(packages.iter().map(|(package, text)| (*package, text.as_str())));

    let mut tree = Tree::new(root);
    for (path, template) in FILES {
        tree.create(path, fill(template, &values))?;
    }
    tree.create("Cargo.lock", LOCK)?;
    add::resource(&mut tree, &first())?;
    Ok(tree)
}

/// The resource that a product begins with.
fn first() -> NewResource {
    let fields = ["title:text(1..200)", "body:text(..10000)?", "pinned:bool=false"];
    NewResource {
        name: "notes".to_owned(),
        fields: fields.map(str::to_owned).to_vec(),
        ..NewResource::default()
    }
}

fn check(name: &str) -> Result<()> {
    let shaped = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.ends_with('-')
        && !name.contains("--");
    if !shaped {
        return Err(Refusal::new(
            format!("`{name}` is no name of a product."),
            "Use a-z, 0-9 and single `-` between them, a letter first: it is a package's name too.",
        ));
    }
    let series = name.replace('-', "_");
    names::check(&series)?;
    let refused = |what: String| Err(Refusal::new(what, "Take another name."));
    if name.starts_with("trireme") || NEEDED.contains(&name) {
        return refused(format!("`{name}` is taken by a package that it needs."));
    }
    if words::is_core(&series) {
        return refused(format!("`{name}` is a name of Trireme's own."));
    }
    let product = names::pascal(&series);
    if words::is_type(&product) {
        return refused(format!("The product's type would be called `{product}`, which is taken."));
    }
    Ok(())
}

/// The folder of a checkout, as it was given: from the product's own folder, which is one further down.
fn checkout(parent: &Path, path: &Path) -> Result<PathBuf> {
    let folder = parent.join(path);
    let is_one = |(_, package): &(&str, &str)| folder.join(package).join("Cargo.toml").is_file();
    if !PACKAGES.iter().all(is_one) {
        let what = format!("{} is no checkout of Trireme.", folder.display());
        return Err(Refusal::new(what, format!("Give the folder of one: git clone {REPOSITORY}")));
    }
    if path.is_absolute() {
        return Ok(path.to_owned());
    }
    let named = path.components().filter(|part| *part != Component::CurDir);
    Ok(iter::once(Component::ParentDir).chain(named).collect())
}
