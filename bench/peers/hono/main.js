// One task by Hono and pg on Node.js: the token is checked, the one statement sent. A process a
// core, as Node.js's own cluster has it.

import cluster from "node:cluster";
import { availableParallelism } from "node:os";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { jwt } from "hono/jwt";
import pg from "pg";

const { DATABASE_URL, DATABASE_POOL_MAX, JWT_SECRET, PORT } = process.env;
const cores = availableParallelism();
// A bigint as a number, as the others write it.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

const TASK = `SELECT id, title, description, status, priority, due_at, context_id, completed_at,
  created_at, updated_at, version FROM tasks WHERE user_id = $1 AND id = $2`;

function listen() {
  const max = Math.max(1, Math.floor(Number(DATABASE_POOL_MAX) / cores));
  const pool = new pg.Pool({ connectionString: DATABASE_URL, max });
  const app = new Hono();
  app.get("/health/ready", (c) => c.text("ready"));
  const verification = { typ: "at+jwt", iss: "trireme", aud: "trireme" };
  app.use("/tasks/*", jwt({ secret: JWT_SECRET, alg: "HS256", verification }));
  app.get("/tasks/:id", async (c) => {
    const values = [c.get("jwtPayload").sub, c.req.param("id")];
    const { rows } = await pool.query({ name: "get_task", text: TASK, values });
    return rows.length === 0 ? c.body(null, 404) : c.json(rows[0]);
  });
  serve({ fetch: app.fetch, port: Number(PORT), hostname: "127.0.0.1" });
}

if (cluster.isPrimary) {
  for (let core = 0; core < cores; core += 1) cluster.fork();
} else {
  listen();
}
