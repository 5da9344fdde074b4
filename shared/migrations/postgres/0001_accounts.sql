-- Accounts, sessions and refresh tokens; the role and the function that stand between one
-- user's data and another's.

-- Statements of Scope::User run in this role: it owns nothing, can't log in, and row-level
-- security binds it. A role belongs to the whole cluster, so another database may have made it.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'trireme_user') THEN
    BEGIN
      CREATE ROLE trireme_user NOLOGIN;
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
      WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the role trireme_user is missing and % may not create it', current_user
          USING HINT = format('As an administrator: CREATE ROLE trireme_user NOLOGIN; GRANT trireme_user TO %I;', current_user);
    END;
  END IF;
  -- From 16 on, a member may have to be allowed to SET ROLE besides, also one who made the role.
  IF NOT pg_has_role(current_user, 'trireme_user',
      CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) THEN
    BEGIN
      EXECUTE format('GRANT trireme_user TO %I', current_user);
    EXCEPTION
      -- Another database of the cluster was migrated at the same moment.
      WHEN unique_violation THEN NULL;
      WHEN insufficient_privilege THEN
        RAISE EXCEPTION '% is not a member of the role trireme_user', current_user
          USING HINT = format('As an administrator: GRANT trireme_user TO %I;', current_user);
    END;
  END IF;
END $$;

CREATE TABLE users (
  id uuid PRIMARY KEY,
  email text COLLATE "C" NOT NULL CONSTRAINT users_email_key UNIQUE,
  name text,
  password_hash text,
  disabled_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  version bigint NOT NULL
);

CREATE TABLE sessions (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  user_agent text,
  created_at timestamptz NOT NULL,
  last_used_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_user_id ON sessions (user_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE INDEX sessions_last_used_at ON sessions (last_used_at);

-- A refresh token is known by its hash. `successor` is the token it was exchanged for, sealed
-- with the token itself, so that only who presents the old one can be given the new one again.
CREATE TABLE refresh_tokens (
  hash text COLLATE "C" PRIMARY KEY,
  session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  successor text COLLATE "C"
);
CREATE INDEX refresh_tokens_session_id ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_expires_at ON refresh_tokens (expires_at);

-- The user of this transaction, or NULL outside Scope::User.
CREATE FUNCTION trireme_user_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('trireme.user_id', true), '')::uuid;

-- The first statement of Scope::User: proves that account and session are alive and gives up
-- every right but that user's own, until the transaction ends.
CREATE FUNCTION enter_user(entering uuid, through uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF through IS NULL THEN
    PERFORM set_config('trireme.user_id', entering::text, true), set_config('role', 'trireme_user', true)
      FROM users WHERE id = entering AND disabled_at IS NULL;
  ELSE
    PERFORM set_config('trireme.user_id', entering::text, true), set_config('role', 'trireme_user', true)
      FROM sessions s JOIN users u ON u.id = s.user_id
      WHERE s.id = through AND u.id = entering AND u.disabled_at IS NULL;
  END IF;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'session ended' USING ERRCODE = 'TR401';
  END IF;
END $$;

-- A whole batch as one statement, and so all or nothing without a transaction that somebody
-- could leave open: for a host that lends connections without looking at them. `arguments` are
-- those of all statements, which cast what they need: CAST(($1)[3] AS uuid). Gives the rows of
-- the statements whose numbers are in `giving`.
CREATE FUNCTION run_batch(statements text[], giving integer[], arguments text[])
RETURNS TABLE (number integer, result json) LANGUAGE plpgsql AS $$
DECLARE
  found_row record;
BEGIN
  FOR step IN 1 .. cardinality(statements) LOOP
    IF step = ANY (giving) THEN
      number := step;
      FOR found_row IN EXECUTE statements[step] USING arguments LOOP
        result := row_to_json(found_row);
        RETURN NEXT;
      END LOOP;
    ELSE
      EXECUTE statements[step] USING arguments;
    END IF;
  END LOOP;
END $$;

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE refresh_tokens ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON users TO trireme_user USING (id = (SELECT trireme_user_id()));
CREATE POLICY own ON sessions TO trireme_user USING (user_id = (SELECT trireme_user_id()));

DO $$ BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO trireme_user', current_schema());
END $$;
GRANT SELECT, UPDATE, DELETE ON users, sessions TO trireme_user;
