//! The SQL of a table and of a column, in both dialects.

use crate::{
    names::Names,
    spec::{Field, Kind, Literal, MOST},
};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Postgres,
    Sqlite,
}

pub const DIALECTS: [(Dialect, &str); 2] =
    [(Dialect::Postgres, "postgres"), (Dialect::Sqlite, "sqlite")];

impl Dialect {
    const fn word<'a>(self, postgres: &'a str, sqlite: &'a str) -> &'a str {
        match self {
            Self::Postgres => postgres,
            Self::Sqlite => sqlite,
        }
    }
}

/// A table with everything that belongs to it.
pub fn table(dialect: Dialect, names: &Names, fields: &[Field], unique: &[Vec<String>]) -> String {
    let table = &names.plural;
    let id = dialect.word("uuid", "TEXT");
    let time = dialect.word("timestamptz", "INTEGER");
    let mut columns = vec![
        format!("id {id} PRIMARY KEY"),
        format!("user_id {id} NOT NULL REFERENCES users ON DELETE CASCADE"),
    ];
    columns.extend(fields.iter().map(|field| column(dialect, table, field)));
    columns.push(format!("created_at {time} NOT NULL"));
    columns.push(format!("updated_at {time} NOT NULL"));
    columns.push(format!("version {} NOT NULL", dialect.word("bigint", "INTEGER")));
    for fields in unique {
        let columns_text = fields.join(", ");
        // As SQLite's message is read.
        let name = format!("CONSTRAINT {} ", unique_name(table, fields));
        let name = dialect.word(&name, "");
        columns.push(format!("{name}UNIQUE (user_id, {columns_text})"));
    }
    let mut sql = format!(
        "-- {}.\n\nCREATE TABLE {table} (\n  {}\n){};\n",
        crate::resource::capital(&table.replace('_', " ")),
        columns.join(",\n  "),
        dialect.word("", " STRICT")
    );
    sql.push_str("-- One index a sort, read forwards and backwards.\n");
    for column in ["created_at", "updated_at"] {
        sql.extend([format!(
            "CREATE INDEX {table}_{column} ON {table} (user_id, {column}, id);\n"
        )]);
    }
    sql.extend(fields.iter().map(|field| indexes(table, field)));
    sql.extend(fields.iter().map(|field| trigger(dialect, names, field)));
    if dialect == Dialect::Postgres {
        sql.extend([format!(
            "\nALTER TABLE {table} ENABLE ROW LEVEL SECURITY;\n\
             CREATE POLICY own ON {table} USING (user_id = (SELECT trireme_user_id()));\n\
             SELECT settle_trireme_role();\n"
        )]);
    }
    sql
}

/// More columns of a table that is there.
pub fn columns(dialect: Dialect, names: &Names, fields: &[Field]) -> String {
    let table = &names.plural;
    let added = fields.iter().map(|field| {
        let column = column(dialect, table, field);
        let default =
            field.default.as_ref().map(|literal| format!(" DEFAULT {}", sql(dialect, literal)));
        // Before a CHECK, where there is one.
        let (declared, check) = column.split_once(" CONSTRAINT ").unwrap_or((&column, ""));
        let check = if check.is_empty() { String::new() } else { format!(" CONSTRAINT {check}") };
        format!(
            "ALTER TABLE {table} ADD COLUMN {declared}{}{check};\n",
            default.unwrap_or_default()
        )
    });
    let mut text: String = added.collect();
    text.extend(fields.iter().map(|field| indexes(table, field)));
    text.extend(fields.iter().map(|field| trigger(dialect, names, field)));
    text
}

/// As PostgreSQL would call it, and as `trireme_core::sqlite` reads SQLite's message.
pub fn unique_name(table: &str, fields: &[String]) -> String {
    format!("{table}_user_id_{}_key", fields.join("_"))
}

fn column(dialect: Dialect, table: &str, field: &Field) -> String {
    let name = &field.name;
    let sorted = field.sort().is_some();
    let kind = match field.kind {
        Kind::Text { .. } if sorted => dialect.word("text COLLATE \"C\"", "TEXT"),
        Kind::Text { .. } | Kind::Enum(_) => dialect.word("text", "TEXT"),
        Kind::Int { .. } => dialect.word("bigint", "INTEGER"),
        Kind::Float => dialect.word("double precision", "REAL"),
        Kind::Bool => dialect.word("boolean", "INTEGER"),
        Kind::Date => dialect.word("date", "TEXT"),
        Kind::Time => dialect.word("timestamptz", "INTEGER"),
        Kind::Uuid | Kind::Ref(_) => dialect.word("uuid", "TEXT"),
        Kind::Json => dialect.word("jsonb", "TEXT"),
        Kind::Bytes { .. } => dialect.word("bytea", "BLOB"),
    };
    let null = if field.nullable { "" } else { " NOT NULL" };
    let more = match &field.kind {
        Kind::Enum(variants) => {
            let list = variants.iter().map(|it| format!("'{it}'")).collect::<Vec<_>>().join(", ");
            format!(" CONSTRAINT {table}_{name}_check CHECK ({name} IN ({list}))")
        }
        Kind::Int { min, max } if (*min, *max) != (-MOST, MOST) => {
            let range = match (*min == -MOST, *max == MOST) {
                (false, false) => format!("{name} BETWEEN {min} AND {max}"),
                (false, true) => format!("{name} >= {min}"),
                (true, _) => format!("{name} <= {max}"),
            };
            format!(" CONSTRAINT {table}_{name}_check CHECK ({range})")
        }
        Kind::Ref(to) if field.nullable => format!(" REFERENCES {to} ON DELETE SET NULL"),
        Kind::Ref(to) => format!(" REFERENCES {to}"),
        _ => String::new(),
    };
    format!("{name} {kind}{null}{more}")
}

fn indexes(table: &str, field: &Field) -> String {
    let name = &field.name;
    let sort = field.sort();
    let reference = matches!(field.kind, Kind::Ref(_))
        .then(|| format!("CREATE INDEX {table}_{name} ON {table} ({name});\n"));
    let sort = sort
        .map(|column| format!("CREATE INDEX {table}_{name} ON {table} (user_id, {column}, id);\n"));
    reference.or(sort).unwrap_or_default()
}

/// That a reference is taken away is a change of the record, which its `ETag` has to tell.
fn trigger(dialect: Dialect, names: &Names, field: &Field) -> String {
    let (table, name) = (&names.plural, &field.name);
    if !field.nullable || !matches!(field.kind, Kind::Ref(_)) {
        return String::new();
    }
    let comment = format!(
        "\n-- Where `{name}` is lost because that record is deleted, {} has changed.\n",
        names.a()
    );
    comment
        + &match dialect {
            Dialect::Postgres => format!(
                "CREATE FUNCTION {table}_lose_{name}() RETURNS trigger LANGUAGE plpgsql AS $$\n\
                 BEGIN\n  NEW.version := OLD.version + 1;\n  RETURN NEW;\nEND $$;\n\
                 CREATE TRIGGER {table}_lose_{name} BEFORE UPDATE OF {name} ON {table} FOR EACH ROW\n  \
                 WHEN (NEW.{name} IS NULL AND OLD.{name} IS NOT NULL AND NEW.version = OLD.version)\n  \
                 EXECUTE FUNCTION {table}_lose_{name}();\n"
            ),
            Dialect::Sqlite => format!(
                "CREATE TRIGGER {table}_lose_{name} AFTER UPDATE OF {name} ON {table}\n\
                 WHEN NEW.{name} IS NULL AND OLD.{name} IS NOT NULL AND NEW.version = OLD.version\n\
                 BEGIN\n  UPDATE {table} SET version = version + 1 WHERE id = NEW.id;\nEND;\n"
            ),
        }
}

fn sql(dialect: Dialect, literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Literal::Int(number) => number.to_string(),
        Literal::Float(number) => number.clone(),
        Literal::Bool(true) => dialect.word("true", "1").to_owned(),
        Literal::Bool(false) => dialect.word("false", "0").to_owned(),
    }
}
