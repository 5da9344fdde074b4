-- Series tasks. Written by trireme migrate --d1.
-- The records that a user owns.

CREATE TABLE contexts (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
  name TEXT NOT NULL,
  color TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL,
  UNIQUE (user_id, name)
) STRICT;
CREATE INDEX contexts_created_at ON contexts (user_id, created_at, id);
CREATE INDEX contexts_updated_at ON contexts (user_id, updated_at, id);

CREATE TABLE tasks (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
  context_id TEXT REFERENCES contexts ON DELETE SET NULL,
  title TEXT NOT NULL,
  description TEXT,
  status TEXT NOT NULL CONSTRAINT tasks_status_check CHECK (status IN ('todo', 'in_progress', 'done')),
  priority TEXT NOT NULL CONSTRAINT tasks_priority_check CHECK (priority IN ('low', 'medium', 'high')),
  due_at INTEGER,
  completed_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL,
  -- Title and description in lower case, folded by the program: no two databases agree on
  -- what lower case is.
  title_folded TEXT NOT NULL,
  description_folded TEXT
) STRICT;
-- One index a sort, read forwards and backwards. A task without a due date sorts as if it
-- were due at the end of time: SQLite orders every text after every number.
CREATE INDEX tasks_created_at ON tasks (user_id, created_at, id);
CREATE INDEX tasks_updated_at ON tasks (user_id, updated_at, id);
CREATE INDEX tasks_due_at ON tasks (user_id, COALESCE(due_at, 'infinity'), id);
CREATE INDEX tasks_title ON tasks (user_id, title, id);
CREATE INDEX tasks_context_id ON tasks (context_id);
