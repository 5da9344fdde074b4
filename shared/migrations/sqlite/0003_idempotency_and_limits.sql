-- What makes a retry safe, and what counts attempts.

CREATE TABLE idempotency_keys (
  user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  record_id TEXT NOT NULL,
  response TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, key)
) STRICT;
CREATE INDEX idempotency_keys_expires_at ON idempotency_keys (expires_at);

CREATE TABLE rate_limits (
  key TEXT PRIMARY KEY,
  used INTEGER NOT NULL,
  resets_at INTEGER NOT NULL
) STRICT;
CREATE INDEX rate_limits_resets_at ON rate_limits (resets_at);
