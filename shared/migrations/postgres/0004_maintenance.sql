-- What is deleted is invisible at once and removed in pieces by maintenance.

-- Who runs a step of maintenance, and until when unless it says so again.
CREATE TABLE leases (
  name text COLLATE "C" PRIMARY KEY,
  holder uuid NOT NULL,
  until timestamptz NOT NULL
);
ALTER TABLE leases ENABLE ROW LEVEL SECURITY;

-- A deleted account: nothing is left in its row that tells whose it was.
ALTER TABLE users ADD COLUMN deleted_at timestamptz;
CREATE INDEX users_deleted_at ON users (deleted_at) WHERE deleted_at IS NOT NULL;

-- A session is alive while it bears its user's generation: all of them end by one change.
ALTER TABLE users ADD COLUMN generation bigint NOT NULL DEFAULT 1;
ALTER TABLE sessions ADD COLUMN generation bigint NOT NULL DEFAULT 1;

CREATE OR REPLACE FUNCTION enter_user(entering uuid, through uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF through IS NULL THEN
    PERFORM set_config('trireme.user_id', entering::text, true), set_config('role', 'trireme_user', true)
      FROM users WHERE id = entering AND disabled_at IS NULL;
  ELSE
    PERFORM set_config('trireme.user_id', entering::text, true), set_config('role', 'trireme_user', true)
      FROM sessions s JOIN users u ON u.id = s.user_id AND u.generation = s.generation
      WHERE s.id = through AND u.id = entering AND u.disabled_at IS NULL;
  END IF;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'session ended' USING ERRCODE = 'TR401';
  END IF;
END $$;

-- Answers are no longer kept: they quoted records that were deleted since.
UPDATE idempotency_keys SET response = '';

-- The cost of each hash, the two digits of $2b$12$, to find the costliest.
CREATE INDEX users_password_cost ON users (substr(password_hash, 5, 2));

-- Their keys told addresses and accounts. They counted for a minute.
DELETE FROM rate_limits;
