-- A role for the users of this schema alone. `trireme_user` was one for all databases of a
-- server: whoever may become it in one could have done so in another. It keeps no right here,
-- and is left, because another database may still use it.

-- What that role has to be called. A copy of the database, or one restored elsewhere, has to
-- have another than the one it was copied with.
CREATE FUNCTION trireme_role_due() RETURNS text LANGUAGE sql STABLE
  RETURN (SELECT format('trireme_user_%s_%s', d.oid, n.oid) FROM pg_database d, pg_namespace n
          WHERE d.datname = current_database() AND n.nspname = current_schema());

-- Makes the role, and gives it what the policies speak of: each policy named `own` or `own_…`
-- that binds everybody is the leave to do, within its bounds, what it is for. To be called by
-- every migration that adds such a policy:
--   ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
--   CREATE POLICY own ON notes USING (user_id = (SELECT trireme_user_id()));
--   SELECT settle_trireme_role();
CREATE FUNCTION settle_trireme_role() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  due text := trireme_role_due();
  here text := current_schema();
  other text;
  allowed record;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = due) THEN
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', due);
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
      WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the role % is missing and % may not create it', due, current_user
          USING HINT = format('As an administrator: CREATE ROLE %I NOLOGIN; GRANT %1$I TO %I;', due, current_user);
    END;
  END IF;
  -- From 16 on, a member may have to be allowed to SET ROLE besides, also one who made the role.
  IF NOT pg_has_role(current_user, due,
      CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) THEN
    BEGIN
      EXECUTE format('GRANT %I TO %I', due, current_user);
    EXCEPTION
      WHEN unique_violation THEN NULL;
      WHEN insufficient_privilege THEN
        RAISE EXCEPTION '% is not a member of the role %', current_user, due
          USING HINT = format('As an administrator: GRANT %I TO %I;', due, current_user);
    END;
  END IF;
  EXECUTE format('CREATE OR REPLACE FUNCTION trireme_role() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN %L', due);

  FOR other IN
    SELECT DISTINCT rolname FROM pg_roles JOIN (
      SELECT (aclexplode(relacl)).grantee FROM pg_class WHERE relnamespace = quote_ident(here)::regnamespace
      UNION SELECT (aclexplode(nspacl)).grantee FROM pg_namespace WHERE nspname = here
    ) granted ON grantee = pg_roles.oid
    WHERE rolname ~ '^trireme_user(_\d+_\d+)?$' AND rolname <> due
  LOOP
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', here, other);
    EXECUTE format('REVOKE ALL ON SCHEMA %I FROM %I', here, other);
  END LOOP;
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', here, due);
  FOR allowed IN
    SELECT tablename, CASE cmd WHEN 'ALL' THEN 'SELECT, INSERT, UPDATE, DELETE' ELSE cmd END AS rights
    FROM pg_policies WHERE schemaname = here AND policyname ~ '^own(_|$)' AND roles = '{public}'
  LOOP
    EXECUTE format('GRANT %s ON %I.%I TO %I', allowed.rights, here, allowed.tablename, due);
  END LOOP;
END $$;

-- Policies bind everybody whom row-level security binds; who gets so far is a matter of rights.
-- So they name no role that might be missing where a dump of them is restored.
DO $$
DECLARE
  named text;
BEGIN
  FOR named IN
    SELECT tablename FROM pg_policies
    WHERE schemaname = current_schema() AND policyname = 'own' AND 'trireme_user' = ANY (roles)
  LOOP
    EXECUTE format('ALTER POLICY own ON %I TO PUBLIC', named);
  END LOOP;
END $$;

-- An account and its sessions are made by the service alone.
DROP POLICY own ON users;
CREATE POLICY own_read ON users FOR SELECT USING (id = (SELECT trireme_user_id()));
CREATE POLICY own_change ON users FOR UPDATE USING (id = (SELECT trireme_user_id()));
CREATE POLICY own_leave ON users FOR DELETE USING (id = (SELECT trireme_user_id()));
DROP POLICY own ON sessions;
CREATE POLICY own_read ON sessions FOR SELECT USING (user_id = (SELECT trireme_user_id()));
CREATE POLICY own_change ON sessions FOR UPDATE USING (user_id = (SELECT trireme_user_id()));
CREATE POLICY own_end ON sessions FOR DELETE USING (user_id = (SELECT trireme_user_id()));

SELECT settle_trireme_role();

-- As it was, but for the role.
CREATE OR REPLACE FUNCTION enter_user(entering uuid, through uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF through IS NULL THEN
    PERFORM set_config('trireme.user_id', entering::text, true), set_config('role', trireme_role(), true)
      FROM users WHERE id = entering AND disabled_at IS NULL;
  ELSE
    PERFORM set_config('trireme.user_id', entering::text, true), set_config('role', trireme_role(), true)
      FROM sessions s JOIN users u ON u.id = s.user_id AND u.generation = s.generation
      WHERE s.id = through AND u.id = entering AND u.disabled_at IS NULL;
  END IF;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'session ended' USING ERRCODE = 'TR401';
  END IF;
END $$;
