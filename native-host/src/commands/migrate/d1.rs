//! `trireme migrate --d1`: the folder from which wrangler migrates D1.

use std::{collections::BTreeMap, fs, io::Write as _, path::Path};

use trireme_core::{
    host::Backend,
    migrations::{Migration, Series, all},
};

use crate::commands::{Failure, output::say};

/// Writes the files that are not there yet. Those that are there have been applied somewhere, so one
/// that differs is a fault, and nothing is written then.
pub fn write(product: Series, folder: &Path) -> Result<(), Failure> {
    let failed = |error| Failure::no(format!("{}: {error}.", folder.display()));
    let files = files(product);
    let (mut missing, mut different) = (Vec::new(), Vec::new());
    for (name, text) in &files {
        match fs::read(folder.join(name)) {
            Ok(found) if found == text.as_bytes() => {}
            Ok(_) => different.push(name.as_str()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                missing.push((name, text));
            }
            Err(error) => return Err(failed(error)),
        }
    }
    if !different.is_empty() {
        return Err(Failure::no(format!(
            "Nothing was written: in {} is another {} than this build's. A migration that was applied \
             never changes. Put the file back as it was, and make the change in a new migration.",
            folder.display(),
            different.join(", ")
        )));
    }
    fs::create_dir_all(folder).map_err(failed)?;
    for (name, text) in &missing {
        let made = fs::File::create_new(folder.join(name));
        made.and_then(|mut file| file.write_all(text.as_bytes())).map_err(failed)?;
        say(format_args!("wrote {}", folder.join(name).display()))?;
    }
    say(format_args!("{} written, {} there already.", missing.len(), files.len() - missing.len()))
}

/// Names and texts. Wrangler's books know files by their names: what two series call by one name is
/// one file, the core's part first.
fn files(product: Series) -> BTreeMap<String, String> {
    let mut files = BTreeMap::<_, String>::new();
    for Migration { series, name, sql, .. } in all(product, Backend::Sqlite) {
        let file = files.entry(format!("{name}.sql"));
        let file = file.and_modify(|text| text.push('\n')).or_default();
        file.extend(["-- Series ", series, ". Written by trireme migrate --d1.\n"]);
        file.extend(sql.lines().flat_map(|line| [line, "\n"]));
    }
    files
}
