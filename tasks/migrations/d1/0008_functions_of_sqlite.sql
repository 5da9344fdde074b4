-- Series trireme. Written by trireme migrate --d1.
-- SQLite has them: here is nothing to do.
SELECT 1;
