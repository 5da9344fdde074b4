//! Requests in, responses out, on SQLite, and on PostgreSQL where it is installed.
