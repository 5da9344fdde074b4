-- Series tasks. Written by trireme migrate --d1.
-- The index of what is to be folded says what is not ASCII by a function of SQLite's that came
-- with 3.43: programs with an older one could read the file, and not write a task.
DROP INDEX tasks_to_fold;
CREATE INDEX tasks_to_fold ON tasks (id) WHERE folding < 1
  AND length(hex(title || COALESCE(description, ''))) > 2 * length(title || COALESCE(description, ''));
