-- A deleted context; tasks that still name it have none. Hardly ever are there any, so asking
-- this index costs next to nothing.
ALTER TABLE contexts ADD COLUMN deleted_at INTEGER;
CREATE INDEX contexts_deleted ON contexts (id) WHERE deleted_at IS NOT NULL;
