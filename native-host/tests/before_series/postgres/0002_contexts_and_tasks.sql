-- The records that a user owns.

CREATE TABLE contexts (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  name text COLLATE "C" NOT NULL,
  color text,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  version bigint NOT NULL,
  CONSTRAINT contexts_user_id_name_key UNIQUE (user_id, name)
);
CREATE INDEX contexts_created_at ON contexts (user_id, created_at, id);
CREATE INDEX contexts_updated_at ON contexts (user_id, updated_at, id);

CREATE TABLE tasks (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  context_id uuid REFERENCES contexts ON DELETE SET NULL,
  title text COLLATE "C" NOT NULL,
  description text,
  status text NOT NULL CONSTRAINT tasks_status_check CHECK (status IN ('todo', 'in_progress', 'done')),
  priority text NOT NULL CONSTRAINT tasks_priority_check CHECK (priority IN ('low', 'medium', 'high')),
  due_at timestamptz,
  completed_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  version bigint NOT NULL,
  -- Title and description in lower case, folded by the program: no two databases agree on
  -- what lower case is.
  title_folded text COLLATE "C" NOT NULL,
  description_folded text COLLATE "C"
);
-- One index a sort, read forwards and backwards. A task without a due date sorts as if it
-- were due at the end of time.
CREATE INDEX tasks_created_at ON tasks (user_id, created_at, id);
CREATE INDEX tasks_updated_at ON tasks (user_id, updated_at, id);
CREATE INDEX tasks_due_at ON tasks (user_id, COALESCE(due_at, 'infinity'), id);
CREATE INDEX tasks_title ON tasks (user_id, title, id);
CREATE INDEX tasks_context_id ON tasks (context_id);

ALTER TABLE contexts ENABLE ROW LEVEL SECURITY;
ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON contexts TO trireme_user USING (user_id = (SELECT trireme_user_id()));
CREATE POLICY own ON tasks TO trireme_user USING (user_id = (SELECT trireme_user_id()));
GRANT SELECT, INSERT, UPDATE, DELETE ON contexts, tasks TO trireme_user;

-- Where a text stands in another, from 1; 0 when it does not: as SQLite names it.
CREATE FUNCTION instr(haystack text, needle text) RETURNS int LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN strpos(haystack, needle);
