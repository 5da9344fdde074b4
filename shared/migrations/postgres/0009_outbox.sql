-- Letters that wait to be sent.

CREATE TABLE outbox (
  id uuid PRIMARY KEY,
  -- Whose account it is about; NULL where there is none.
  user_id uuid REFERENCES users ON DELETE CASCADE,
  kind text COLLATE "C" NOT NULL,
  language text COLLATE "C" NOT NULL,
  recipient text NOT NULL,
  -- What its link holds, sealed by the key of this name: a dump opens none.
  key_id text COLLATE "C",
  token text COLLATE "C",
  created_at timestamptz NOT NULL,
  -- After this it is given up.
  send_until timestamptz NOT NULL,
  -- When it is sent next. Whoever takes it puts this off, so that nobody else does; NULL when nothing
  -- more is done.
  due_at timestamptz,
  attempts bigint NOT NULL
);
CREATE INDEX outbox_user_id ON outbox (user_id);
CREATE INDEX outbox_due_at ON outbox (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_done ON outbox (created_at) WHERE due_at IS NULL;

-- A user may have a letter sent about the own account, and reads none.
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_letter ON outbox FOR INSERT WITH CHECK (user_id = (SELECT trireme_user_id()));
SELECT settle_trireme_role();
