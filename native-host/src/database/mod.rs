//! The way to PostgreSQL and SQLite.
