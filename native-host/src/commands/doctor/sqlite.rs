use std::{fs, path::Path};

use rusqlite::{Connection, OpenFlags};

use super::report::Report;
use crate::{database::sqlite::file::open_to_others, program::name};

/// Looks at an SQLite file. Whether it is there to be looked into.
pub fn examine(path: &str, report: &mut Report) -> bool {
    const FILE: &str = "file";
    if path == ":memory:" {
        report.warning(
            FILE,
            "In memory: everything is gone when the process ends.",
            "Name a file to keep it.",
        );
        return false;
    }
    let Ok(metadata) = fs::metadata(path) else {
        if !can_be_made(Path::new(path)) {
            report.problem(
                FILE,
                format!("{path} is not there, and can't be made."),
                "Name a file in a folder that is writable for this user.",
            );
            return false;
        }
        report.warning(
            FILE,
            format!("{path} is not there yet."),
            format!("Serving or `{} migrate` makes it.", name()),
        );
        return false;
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags);
    match opened.and_then(|connection| look(&connection, metadata.len(), path, report)) {
        Ok(()) => true,
        Err(error) => {
            report.problem(
                FILE,
                format!("{path} can't be used: {error}."),
                "If it is no SQLite file, name another one; if it was one, restore a backup.",
            );
            false
        }
    }
}

fn look(
    connection: &Connection,
    size: u64,
    path: &str,
    report: &mut Report,
) -> rusqlite::Result<()> {
    let text = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0));
    let mode = text("PRAGMA journal_mode")?;
    let log = fs::metadata(format!("{path}-wal")).map_or(0, |metadata| metadata.len());
    report.ok("file", format!("{path}, {} KiB and a log of {} KiB.", size / 1024, log / 1024));
    report.ok("version", format!("SQLite {}, compiled in.", rusqlite::version()));

    if mode == "wal" {
        report.ok("journal", "WAL: reading does not wait for writing.");
    } else {
        report.warning(
            "journal",
            format!("The journal mode is {mode}."),
            "Serving sets it to WAL.",
        );
    }

    if connection.is_readonly("main")? {
        report.problem(
            "permissions",
            "The file can't be written.",
            "Make it, and its folder, writable for this user.",
        );
    } else if !is_writable(path) {
        report.problem(
            "permissions",
            "The folder can't be written, and SQLite keeps its log there.",
            "Make the folder writable for this user.",
        );
    } else if let [file, ..] = &open_to_others(Path::new(path))[..] {
        report.warning(
            "permissions",
            format!("Others on this machine can use {}.", file.display()),
            "Serving takes their rights away; or `chmod go= FILE`.",
        );
    } else {
        report.ok("permissions", "File and folder can be written, the file by nobody else.");
    }

    let integrity = text("PRAGMA quick_check(1)")?;
    let dangling = connection.prepare("PRAGMA foreign_key_check")?.exists([])?;
    if integrity != "ok" {
        report.problem(
            "integrity",
            format!("The file is damaged: {integrity}."),
            "Restore a backup.",
        );
    } else if dangling {
        report.problem(
            "integrity",
            "There are rows that refer to rows which do not exist.",
            "`PRAGMA foreign_key_check` in sqlite3 names them; restore a backup, or delete them.",
        );
    } else {
        report.ok("integrity", "The file is sound.");
    }
    Ok(())
}

/// Whether the nearest folder above that exists is one, and writable.
fn can_be_made(path: &Path) -> bool {
    let here = Path::new(".");
    let above = path.ancestors().skip(1);
    let above = above.map(|folder| if folder.as_os_str().is_empty() { here } else { folder });
    let nearest = above.into_iter().find(|folder| folder.symlink_metadata().is_ok());
    nearest.is_some_and(|folder| {
        folder.is_dir() && rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
    })
}

/// Whether a file can be made beside it.
fn is_writable(path: &str) -> bool {
    let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
    rustix::fs::access(folder.unwrap_or(Path::new(".")), rustix::fs::Access::WRITE_OK).is_ok()
}
