/** A new PGlite instance, from a copy of an empty one: `initdb` takes four seconds of a processor, unpacking half of one. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";

/** The module's path names its version. */
const version = createHash("sha256")
  .update(import.meta.resolve("@electric-sql/pglite"))
  .digest("hex");
const FILE = join(tmpdir(), `teranga-pglite-${version.slice(0, 16)}.tar`);

export async function openEmptyCluster(): Promise<PGlite> {
  if (existsSync(FILE)) return PGlite.create({ loadDataDir: new Blob([readFileSync(FILE)]) });
  const db = await PGlite.create();
  const data = await db.dumpDataDir("none");
  const unfinished = `${FILE}.${process.pid}`;
  writeFileSync(unfinished, Buffer.from(await data.arrayBuffer()));
  renameSync(unfinished, FILE);
  return db;
}
