//! A record, declared once: its struct, its columns, the reading of a row, its `ETag` and its sorts.

use serde::Serialize;
use trireme_core::{
    Uuid,
    host::{Backend, Database, Scope},
    page::{Key, Sort},
    sql::{self, DatabaseError, DecodeError, Row, Statement},
};

/// What is answered with, read from a row: by [`record!`](crate::record!).
pub trait Record<'r>: Serialize + Sized {
    const COLUMNS: &'static [Column];

    fn read<R: Row>(row: &'r R) -> Result<Self, DecodeError>;
    /// What its `ETag` has between the quotes: digits and hyphens, as `If-Match` reads them.
    fn tag(&self) -> String;
}

/// A record that lists are made of.
pub trait Sorted<'r>: Record<'r> {
    /// The first is meant where none is asked for, descending.
    const SORTS: &'static [Sort];

    /// What it sorts by under the name of a sort.
    fn key(&self, sort: &str) -> (Key, Uuid);
}

/// A column as the declaration has it.
pub struct Column {
    pub name: &'static str,
    /// What is selected: its name, or an expression.
    pub sql: &'static str,
    /// See [`sql::Column::KIND`] and [`sql::Column::NULLABLE`].
    pub kind: &'static str,
    pub nullable: bool,
}

/// Declares a record.
///
/// A field is a column of its name. `= "…"` selects another SQL expression, `=> …` says what is
/// shown, by the names of whatever was read; `reads` reads what is not shown. `etag` names the
/// fields that make the tag, by `=` with the SQL to compare where that is not what is selected. Each
/// of `sorts` is a field; its SQL expression has an index together with the user and the id, and is
/// never NULL: where the field may be, both sides say what stands for it.
///
/// ```
/// use trireme::{Timestamp, Uuid, if_match, record::Record, sql};
///
/// trireme::record! {
///     /// What somebody wrote down.
///     #[derive(Debug)]
///     pub struct Note<'a> {
///         pub id: Uuid,
///         /// No two are the same.
///         #[schemars(example = &"Buy paint")]
///         pub title: &'a str,
///         pub due_at: Option<Timestamp>,
///         pub pages: i64 = "(SELECT count(*) FROM pages WHERE pages.note_id = notes.id)",
///         pub version: i64 => version + i64::from(moved),
///     }
///     reads { moved: bool = "moved_at IS NOT NULL" }
///     etag { version, pages }
///     sorts {
///         title,
///         due_at = "COALESCE(due_at, 'infinity')" => due_at.unwrap_or(Timestamp::INFINITY),
///     }
/// }
///
/// const GET: &str = sql!("SELECT {} FROM notes WHERE {}", Note::COLUMNS, if_match!("$1", Note::TAG));
/// assert!(GET.starts_with("SELECT id, title, due_at, (SELECT count(*) FROM pages"));
/// let note = Note { id: Uuid::nil(), title: "", due_at: None, pages: 2, version: 3 };
/// assert_eq!(note.tag(), "3-2");
/// ```
///
/// What may be NULL does not sort by itself:
///
/// ```compile_fail,E0277
/// # use trireme::{Timestamp, Uuid};
/// trireme::record! {
///     pub struct Note { pub id: Uuid, pub due_at: Option<Timestamp>, pub version: i64 }
///     etag { version }
///     sorts { due_at }
/// }
/// ```
#[macro_export]
macro_rules! record {
    (@record [$($meta:tt)*] [$vis:vis struct $name:ident $($generics:tt)*] [$row:lifetime $this:ty] {
        $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $type:ty $(= $sql:expr)? $(=> $shown:expr)?),* $(,)?
    }
        $(reads { $($read:ident: $read_type:ty = $read_sql:expr),* $(,)? })?
        etag { $tag:ident $(= $tag_sql:expr)? $(, $more:ident $(= $more_sql:expr)?)* $(,)? }
        $(sorts { $($sort:ident $(= $sort_sql:expr)? $(=> $key:expr)?),+ $(,)? })?
    ) => {
        #[derive($crate::serde::Serialize, $crate::schemars::JsonSchema)]
        #[serde(crate = "trireme::serde")]
        #[schemars(crate = "trireme::schemars")]
        $($meta)*
        $vis struct $name $($generics)* { $($(#[$field_meta])* $field_vis $field: $type),* }

        impl $($generics)* $name $($generics)* {
            /// What a `SELECT` has to give.
            $vis const COLUMNS: &'static str = {
                const NAMES: &str = ::core::concat!($("{}, ", $crate::record!(@nothing $field),)* $($("{}, ", $crate::record!(@nothing $read),)*)?);
                $crate::sql!(
                    NAMES.split_at(NAMES.len() - 2).0,
                    $($crate::record!(@first $($sql,)? $crate::validate::field_name(stringify!($field))),)*
                    $($($read_sql,)*)?
                )
            };
            /// The SQL of its tag, for comparing with `If-Match`.
            $vis const TAG: &'static str = $crate::sql!(
                ::core::concat!("CAST({} AS text)", $(" || '-' || CAST({} AS text)", $crate::record!(@nothing $more))*),
                $crate::record!(@sql $name $tag $($tag_sql)?),
                $($crate::record!(@sql $name $more $($more_sql)?),)*
            );
        }

        impl<$row> $crate::record::Record<$row> for $this {
            const COLUMNS: &'static [$crate::record::Column] = &[
                $($crate::record!(@column $field $type $(, $sql)?),)*
                $($($crate::record!(@column $read $read_type, $read_sql),)*)?
            ];

            fn read<R: $crate::sql::Row>(row: &$row R) -> ::std::result::Result<Self, $crate::sql::DecodeError> {
                let mut columns = $crate::record::Columns::of(row);
                $(let $field: $type = columns.next()?;)*
                $($(let $read: $read_type = columns.next()?;)*)?
                Ok(Self { $($field: $crate::record!(@first $($shown,)? $field)),* })
            }

            fn tag(&self) -> ::std::string::String {
                let tag = self.$tag.to_string();
                $(let tag = tag + "-" + &self.$more.to_string();)*
                tag
            }
        }

        $(impl<$row> $crate::record::Sorted<$row> for $this {
            const SORTS: &'static [$crate::page::Sort] = &[$($crate::page::Sort {
                name: $crate::validate::field_name(stringify!($sort)),
                column: $crate::record!(@sql $name $sort $($sort_sql)?),
            }),+];

            fn key(&self, sort: &str) -> ($crate::page::Key, $crate::Uuid) {
                $(if sort == $crate::validate::field_name(stringify!($sort)) {
                    let $sort = self.$sort;
                    return ($crate::page::Key::from($crate::record!(@first $($key,)? $sort)), self.id);
                })+
                unreachable!("a page is sorted by one of SORTS")
            }
        })?
    };

    (@column $name:ident $type:ty $(, $sql:expr)?) => {
        $crate::record::Column {
            name: $crate::validate::field_name(stringify!($name)),
            sql: $crate::record!(@first $($sql,)? $crate::validate::field_name(stringify!($name))),
            kind: <$type as $crate::sql::Column>::KIND,
            nullable: <$type as $crate::sql::Column>::NULLABLE,
        }
    };
    (@sql $record:ident $field:ident) => {
        $crate::record::sql_of(
            <$record as $crate::record::Record>::COLUMNS,
            $crate::validate::field_name(stringify!($field)),
        )
    };
    (@sql $record:ident $field:ident $sql:expr) => { $sql };
    (@nothing $name:ident) => { "" };
    (@first $first:expr $(, $($rest:tt)*)?) => { $first };

    ($(#[$meta:meta])* $vis:vis struct $name:ident<$row:lifetime> $($rest:tt)*) => {
        $crate::record! { @record [$(#[$meta])*] [$vis struct $name <$row>] [$row $name<$row>] $($rest)* }
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident $($rest:tt)*) => {
        $crate::record! { @record [$(#[$meta])*] [$vis struct $name] ['r $name] $($rest)* }
    };
}

/// The columns of a row, one after the other.
#[doc(hidden)]
pub struct Columns<'r, R> {
    row: &'r R,
    next: usize,
}

impl<'r, R: Row> Columns<'r, R> {
    pub const fn of(row: &'r R) -> Self {
        Self { row, next: 0 }
    }

    #[expect(clippy::should_implement_trait, reason = "each column has its own type")]
    pub fn next<T: sql::Column<'r>>(&mut self) -> Result<T, DecodeError> {
        self.next += 1;
        self.row.get(self.next - 1)
    }
}

/// The SQL of a field, for what else is said of it.
#[doc(hidden)]
pub const fn sql_of(columns: &[Column], name: &str) -> &'static str {
    let mut column = 0;
    while column < columns.len() {
        if equal(columns[column].name.as_bytes(), name.as_bytes()) {
            return columns[column].sql;
        }
        column += 1;
    }
    panic!("`etag` and `sorts` name fields of the record")
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// Where a record and the database disagree, for a test: a column that is of another kind, or that
/// can be NULL where the record does not expect it. Of an expression SQLite tells no more than a
/// row shows, so there has to be one.
///
/// ```no_run
/// # use trireme::{Uuid, record::disagreements};
/// # trireme::record! { pub struct Note { pub id: Uuid, pub version: i64 } etag { version } }
/// # async fn test(database: &impl trireme::host::Database) -> Result<(), trireme::sql::DatabaseError> {
/// assert_eq!(disagreements::<Note>(database, "notes").await?, [""; 0]);
/// # Ok(())
/// # }
/// ```
pub async fn disagreements<'r, T: Record<'r>>(
    database: &impl Database,
    table: &str,
) -> Result<Vec<String>, DatabaseError> {
    let mut found = Vec::new();
    for Column { name, sql, kind, nullable } in T::COLUMNS {
        let quoted = sql.replace('\'', "''");
        let (ask, kinds) = match database.backend() {
            Backend::Postgres => (of_postgres(table, sql, &quoted), postgres_kinds(kind)),
            Backend::Sqlite => (of_sqlite(table, sql, &quoted), sqlite_kind(kind)),
        };
        let rows = database.batch(Scope::Service, &[Statement::read(ask, vec![])]).await?;
        let row = rows[0].first().ok_or_else(unreadable)?;
        let Some(is) = row.get::<Option<&str>>(0).map_err(|_| unreadable())? else {
            found.push(format!("{name} is not known: there is no row in {table}"));
            continue;
        };
        let is = is.to_lowercase();
        let can_be_null: bool = row.get(1).map_err(|_| unreadable())?;
        let fits = kinds.contains(&is.as_str()) || is == "null" && *nullable;
        if !fits {
            found.push(format!("{name} is read as {kind}, and is {is}"));
        }
        if can_be_null && !nullable {
            found.push(format!("{name} can be NULL"));
        }
    }
    Ok(found)
}

fn unreadable() -> DatabaseError {
    DatabaseError::Failed("what the database says of a column can't be read".to_owned())
}

/// PostgreSQL knows the type of an expression without a row.
fn of_postgres(table: &str, sql: &str, quoted: &str) -> String {
    format!(
        "-- get_column
         SELECT CAST(pg_typeof((SELECT {sql} FROM {table} LIMIT 1)) AS text), EXISTS (
             SELECT 1 FROM pg_attribute
             WHERE attrelid = CAST('{table}' AS regclass) AND attname = '{quoted}' AND NOT attnotnull
         ) OR EXISTS (SELECT 1 FROM {table} WHERE ({sql}) IS NULL)"
    )
}

fn of_sqlite(table: &str, sql: &str, quoted: &str) -> String {
    let declared = format!("FROM pragma_table_info('{table}') WHERE name = '{quoted}'");
    format!(
        "-- get_column
         SELECT COALESCE((SELECT type {declared}), (SELECT typeof({sql}) FROM {table} LIMIT 1)) AS type,
             EXISTS (SELECT 1 {declared} AND NOT \"notnull\" AND pk = 0)
             OR EXISTS (SELECT 1 FROM {table} WHERE ({sql}) IS NULL) AS can_be_null"
    )
}

fn postgres_kinds(kind: &str) -> &'static [&'static str] {
    match kind {
        "bool" => &["boolean"],
        "int" => &["bigint"],
        "float" => &["double precision"],
        "text" => &["text", "character varying"],
        "bytes" => &["bytea"],
        "uuid" => &["uuid"],
        "time" => &["timestamp with time zone"],
        "date" => &["date"],
        "json" => &["jsonb"],
        _ => &[],
    }
}

fn sqlite_kind(kind: &str) -> &'static [&'static str] {
    match kind {
        "bool" | "int" | "time" => &["integer"],
        "float" => &["real"],
        "bytes" => &["blob"],
        "text" | "uuid" | "date" | "json" => &["text"],
        _ => &[],
    }
}
