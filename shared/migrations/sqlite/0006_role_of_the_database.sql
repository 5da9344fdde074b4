-- SQLite has no roles: here is nothing to do.
SELECT 1;
