-- What enter_user proves, in the same way, without becoming the role that row-level security
-- binds: the benchmark `rls` measures the difference.
CREATE FUNCTION check_user(entering uuid, through uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.id = through AND u.id = entering AND u.disabled_at IS NULL;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'session ended' USING ERRCODE = 'TR401';
  END IF;
END $$;
