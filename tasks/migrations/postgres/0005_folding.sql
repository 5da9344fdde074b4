-- Text that is searched is folded by Unicode's case folding; once it was put in lower case.

-- Which folding a task's folded columns have: 0 for lower case.
ALTER TABLE tasks ADD COLUMN folding smallint NOT NULL DEFAULT 0;
-- Those that maintenance has to fold anew, none when it is done: lower case is all there is to
-- fold in ASCII.
CREATE INDEX tasks_to_fold ON tasks (id) WHERE folding < 1
  AND octet_length(title) + octet_length(COALESCE(description, '')) > length(title) + length(COALESCE(description, ''));
