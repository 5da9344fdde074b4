//! The types that values have on the wire, by their numbers in `pg_type`.

use postgres_protocol::Oid;

/// The server finds out, from what the argument is used for.
pub const INFERRED: Oid = 0;
pub const BOOL: Oid = 16;
pub const BYTEA: Oid = 17;
pub const NAME: Oid = 19;
pub const INT8: Oid = 20;
pub const INT2: Oid = 21;
pub const INT4: Oid = 23;
pub const TEXT: Oid = 25;
pub const JSON: Oid = 114;
pub const FLOAT8: Oid = 701;
pub const BPCHAR: Oid = 1042;
pub const VARCHAR: Oid = 1043;
pub const DATE: Oid = 1082;
pub const TIMESTAMPTZ: Oid = 1184;
pub const UUID: Oid = 2950;
pub const JSONB: Oid = 3802;
