-- What makes a retry safe, and what counts attempts.

CREATE TABLE idempotency_keys (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  key text COLLATE "C" NOT NULL,
  fingerprint text COLLATE "C" NOT NULL,
  record_id uuid NOT NULL,
  response text NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_expires_at ON idempotency_keys (expires_at);

CREATE TABLE rate_limits (
  key text COLLATE "C" PRIMARY KEY,
  used bigint NOT NULL,
  resets_at timestamptz NOT NULL
);
CREATE INDEX rate_limits_resets_at ON rate_limits (resets_at);

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE rate_limits ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON idempotency_keys TO trireme_user USING (user_id = (SELECT trireme_user_id()));
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO trireme_user;
