//! Books from before there were series. All migrations were numbered as one; then those of contexts
//! and tasks became the product's, in a series named `tasks`, and one file became two.

use super::plan::Applied;

/// The series that what was applied under this number belongs to.
pub const fn series(version: i64) -> &'static [&'static str] {
    match version {
        2 | 5 | 7 => &["tasks"],
        4 => &["trireme", "tasks"],
        _ => &["trireme"],
    }
}

/// The same in the books themselves, where the column says `trireme` of all that was applied.
pub const DIVIDE: &str = "
    INSERT INTO schema_migrations (version, name, checksum, applied_at, series)
        SELECT version, name, checksum, applied_at, 'tasks' FROM schema_migrations WHERE version IN (2, 4, 5, 7);
    DELETE FROM schema_migrations WHERE series = 'trireme' AND version IN (2, 5, 7);";

/// Whether the row's checksum is that of a file that said the same before it was divided.
pub fn knows(row: &Applied) -> bool {
    DIVIDED.contains(&(row.version, &row.checksum))
}

/// The numbers and checksums of those files, of PostgreSQL and of SQLite.
const DIVIDED: &[(i64, &str)] = &[
    (2, "b22c2406eca286f0381e9c139b52651629b5a805541b823d1f5e31ce0c3aef75"),
    (4, "f16303d8ef14890aeda649747809a606f28ea86f9e8c8cf88b4b3dff9fc9fcc8"),
    (4, "dd5835102e161f75d791ebecc8757ee50eafcb28aa09929b34f5570e20ddc0b7"),
    (7, "ab9f32b6a4560ee127f5cd5ce5512efe0d7f806c93f79512928eaf39dc5fcf55"),
];
