// Runs the built Worker under Miniflare: what `cargo xtask host workers` starts.
//
//   node worker-host/serve.mjs FOLDER [--port N] [--persist FOLDER] [--migrations FOLDER]
//
// FOLDER holds index.js and index_bg.wasm. The contract's variables are taken from the
// environment; DATABASE_URL says which binding there is. `d1://NAME` becomes a D1 database with
// the migrations applied, and `hyperdrive://NAME` leads to HYPERDRIVE_URL.
import { subscribe } from "node:diagnostics_channel";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Log, LogLevel, Miniflare } from "miniflare";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: "string", default: "0" },
    // Where D1 keeps its files; in memory if nowhere.
    persist: { type: "string" },
    // What D1 is migrated by.
    migrations: { type: "string", default: "tasks/migrations/d1" },
  },
});
if (positionals.length !== 1) {
  console.error("usage: node serve.mjs FOLDER [--port N] [--persist FOLDER] [--migrations FOLDER]");
  process.exit(2);
}
const folder = resolve(positionals[0]);

const variables = readFileSync(join(root, "shared/src/config/variables.rs"), "utf8");
const names = [...variables.matchAll(/"([A-Z][A-Z0-9_]+)"/g)].map(([, name]) => name);
const bindings = Object.fromEntries(
  names.filter((name) => process.env[name] !== undefined).map((name) => [name, process.env[name]]),
);
const [scheme, name] = (bindings.DATABASE_URL ?? "").split("://");

for (const channel of ["net.client.socket", "net.server.socket"]) {
  subscribe(channel, ({ socket }) => socket.once("pipe", (other) => couple(socket, other)));
}

const miniflare = new Miniflare({
  cf: false,
  log: new Log(LogLevel.WARN),
  modules: [
    { type: "ESModule", path: join(folder, "index.js") },
    { type: "CompiledWasm", path: join(folder, "index_bg.wasm") },
  ],
  modulesRoot: folder,
  // Past Miniflare's imitation of the platform's front, which compresses what it likes.
  unsafeDirectSockets: [{ host: "127.0.0.1", port: Number(options.port) }],
  compatibilityDate: "2026-04-01",
  bindings,
  d1Databases: scheme === "d1" ? { [name]: "trireme" } : {},
  d1Persist: options.persist ?? false,
  hyperdrives: scheme === "hyperdrive" ? { [name]: process.env.HYPERDRIVE_URL } : {},
});

// Miniflare ends workerd when this process is ended by SIGTERM or SIGINT. Nothing can when it is
// killed: whoever does that has to end the whole process group.
await miniflare.ready;
const url = await miniflare.unsafeGetDirectURL();
if (scheme === "d1") await migrate(await miniflare.getD1Database(name));
console.log(`listening on ${url.origin}`);

// The cron trigger, at a signal instead of each minute.
process.on("SIGUSR2", async () => {
  const { outcome } = await (await miniflare.getWorker()).scheduled();
  console.log(`scheduled: ${outcome}`);
});

// As `wrangler d1 migrations apply` does, with its books.
async function migrate(database) {
  await database.exec(
    "CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
  );
  const { results } = await database.prepare("SELECT name FROM d1_migrations").all();
  const applied = new Set(results.map((row) => row.name));
  const folder = resolve(root, options.migrations);
  for (const file of readdirSync(folder).sort()) {
    if (applied.has(file)) continue;
    await database.batch([
      // D1 runs all the statements of one text.
      database.prepare(readFileSync(join(folder, file), "utf8")),
      database.prepare("INSERT INTO d1_migrations (name) VALUES (?1)").bind(file),
    ]);
  }
}

// Miniflare's local Hyperdrive pipes a Worker's socket into one to the server, and leaves their
// errors to nobody, which would end this process: a server that is away, a Worker's request that
// was given up. One end goes with the other, as with the real one, and it is said whose it was.
function couple(socket, other) {
  socket.on("error", ({ message }) => console.error(`Miniflare's Hyperdrive: ${message}`));
  socket.once("close", () => other.destroy());
}
