//! Words that a name can't be.

/// Rust's keywords of every edition; a name made of one would have to be written `r#…`.
const RUST: &str = "abstract as async await become box break const continue crate do dyn else enum \
    extern false final fn for gen if impl in let loop macro match mod move mut override priv pub ref \
    return self static struct super trait true try type typeof union unsafe unsized use virtual where \
    while yield";

/// What PostgreSQL takes as no name of a column or a table (`pg_get_keywords`, categories R and T), and
/// the columns that every table of its has.
const POSTGRES: &str = "all analyse analyze and any array as asc asymmetric authorization binary both case \
    cast check collate collation column concurrently constraint create cross current_catalog \
    current_date current_role current_schema current_time current_timestamp current_user default \
    deferrable desc distinct do else end except false fetch for foreign freeze from full grant group \
    having ilike in initially inner intersect into is isnull join lateral leading left like limit \
    localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing \
    primary references returning right select session_user similar some symmetric system_user table \
    tablesample then to trailing true union unique user using variadic verbose when where window with \
    cmax cmin ctid tableoid xmax xmin";

/// What SQLite takes as none.
const SQLITE: &str = "add all alter and as autoincrement between case cast check collate commit constraint \
    create current_date current_time current_timestamp default deferrable delete distinct drop else \
    escape except exists foreign from group having if in index insert intersect into is isnull join \
    limit not nothing notnull null on or order primary raise references returning rowid select set \
    table then to transaction union unique update using values when where";

/// What every record has.
pub const COLUMNS: [&str; 5] = ["id", "user_id", "created_at", "updated_at", "version"];

/// What every list takes in its query.
const PARAMETERS: &str = "cursor limit sort";

/// Tables and paths of the core, and wrangler's table.
const CORE: &str = "api auth d1_migrations docs health idempotency_keys leases outbox rate_limits refresh_tokens schema_migrations \
    sessions users";

/// Modules of a product that are no resource, and crates that its code names.
const MODULES: &str =
    "checks codes core main native product settings spin std support tests trireme worker";

/// Types that the modules and tests of a product name; a record, an enumeration or a product called so
/// would hide them.
const TYPES: &str = "About Answer Base64 Box Bytes Change Code Context Database DatabaseError Date DecodeError \
    Described Error Fault Field Filter Host Input Json Migrations None Nothing Ok Operation Option Page \
    PageRequest Patch Precondition Product Reply Resource Response Result Route Row Self Some Sort \
    Statement StatusCode String Tag Timestamp User Uuid Value Vec World";

/// What a resource's modules and tests call other things; a record can't be called so there.
const LOCALS: &str = "ada answer body call change created cx demanded eve filter found id input insert key made \
    narrow now op page place read rows sql statement user world";

fn has(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|it| it == word)
}

/// Whose word a name of a column, a table or a module is, if it is one's.
pub fn owner(name: &str) -> Option<&'static str> {
    let lists = [(RUST, "Rust"), (POSTGRES, "PostgreSQL"), (SQLITE, "SQLite")];
    lists.into_iter().find(|(list, _)| has(list, name)).map(|(_, owner)| owner)
}

pub fn is_parameter(name: &str) -> bool {
    has(PARAMETERS, name)
}

pub fn is_core(name: &str) -> bool {
    has(CORE, name) || has(MODULES, name)
}

pub fn is_local(name: &str) -> bool {
    has(LOCALS, name)
}

pub fn is_type(name: &str) -> bool {
    has(TYPES, name)
}
