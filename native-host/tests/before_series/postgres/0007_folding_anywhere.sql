-- The index of what is to be folded says what is not ASCII by functions that each SQLite has.

-- The bytes of a text in hexadecimal: as SQLite names it.
CREATE FUNCTION hex(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN encode(convert_to(value, 'UTF8'), 'hex');

DROP INDEX tasks_to_fold;
CREATE INDEX tasks_to_fold ON tasks (id) WHERE folding < 1
  AND length(hex(title || COALESCE(description, ''))) > 2 * length(title || COALESCE(description, ''));
