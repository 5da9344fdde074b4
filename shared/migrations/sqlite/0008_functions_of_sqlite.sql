-- SQLite has them: here is nothing to do.
SELECT 1;
