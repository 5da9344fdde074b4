-- Letters that wait to be sent.

CREATE TABLE outbox (
  id TEXT PRIMARY KEY,
  -- Whose account it is about; NULL where there is none.
  user_id TEXT REFERENCES users ON DELETE CASCADE,
  kind TEXT NOT NULL,
  language TEXT NOT NULL,
  recipient TEXT NOT NULL,
  -- What its link holds, sealed by the key of this name: a dump opens none.
  key_id TEXT,
  token TEXT,
  created_at INTEGER NOT NULL,
  -- After this it is given up.
  send_until INTEGER NOT NULL,
  -- When it is sent next. Whoever takes it puts this off, so that nobody else does; NULL when nothing
  -- more is done.
  due_at INTEGER,
  attempts INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_user_id ON outbox (user_id);
CREATE INDEX outbox_due_at ON outbox (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_done ON outbox (created_at) WHERE due_at IS NULL;
