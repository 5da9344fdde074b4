-- What is deleted is invisible at once and removed in pieces by maintenance.

-- Who runs a step of maintenance, and until when unless it says so again.
CREATE TABLE leases (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  until INTEGER NOT NULL
) STRICT;

-- A deleted account: nothing is left in its row that tells whose it was.
ALTER TABLE users ADD COLUMN deleted_at INTEGER;
CREATE INDEX users_deleted_at ON users (deleted_at) WHERE deleted_at IS NOT NULL;

-- A session is alive while it bears its user's generation: all of them end by one change.
ALTER TABLE users ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;
ALTER TABLE sessions ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;

-- Answers are no longer kept: they quoted records that were deleted since.
UPDATE idempotency_keys SET response = '';

-- The cost of each hash, the two digits of $2b$12$, to find the costliest.
CREATE INDEX users_password_cost ON users (substr(password_hash, 5, 2));

-- Their keys told addresses and accounts. They counted for a minute.
DELETE FROM rate_limits;
