-- Series trireme. Written by trireme migrate --d1.
-- SQLite has no roles: here is nothing to do.
SELECT 1;
