-- Functions that SQLite has, for statements that every database understands. A database from before
-- there were series of migrations has them already.

-- Where a text stands in another, from 1; 0 when it does not: as SQLite names it.
CREATE OR REPLACE FUNCTION instr(haystack text, needle text) RETURNS int LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN strpos(haystack, needle);

-- The bytes of a text in hexadecimal: as SQLite names it.
CREATE OR REPLACE FUNCTION hex(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN encode(convert_to(value, 'UTF8'), 'hex');
