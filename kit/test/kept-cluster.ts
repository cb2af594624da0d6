/**
 * PGlite instances from a file that was made once: `initdb` takes four seconds of a processor, the SQL files
 * two, and unpacking a half. There is one file a checkout, for the SQL files as they are.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PGlite } from "@electric-sql/pglite";
import { pg_trgm } from "@electric-sql/pglite/contrib/pg_trgm";
import { applySqlFiles, type DatabaseFiles, KIT_FUNCTIONS } from "../src/postgres/migrate.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const fileOf = (name: string) => join(ROOT, "node_modules/.cache/teranga", `${name}.tar`);
const DIGEST_BYTES = 32;
/** What the migrations need. */
const extensions = { pg_trgm };
/** With the usual 128 MB an instance takes 100 MB more of memory, and 0.2 s more of a processor to begin. */
const startParams = [...PGlite.defaultStartParams, "-c", "shared_buffers=16MB"];

/** What a data directory follows from: the module's path names PGlite's version. */
function digestOf(contents: readonly string[]): Buffer {
  const hash = createHash("sha256").update(import.meta.resolve("@electric-sql/pglite"));
  for (const content of contents) hash.update(content).update("\0");
  return hash.digest();
}

/**
 * The data directory that was kept under a name, if it follows from the same; else what is made now, and
 * kept.
 */
async function kept(
  name: string,
  contents: readonly string[],
  make: () => Promise<Blob | File>,
): Promise<Blob> {
  const digest = digestOf(contents);
  const known = read(fileOf(name));
  if (known?.subarray(0, DIGEST_BYTES).equals(digest)) return new Blob([known.subarray(DIGEST_BYTES)]);
  const made = await make();
  mkdirSync(dirname(fileOf(name)), { recursive: true });
  // Others may look for it meanwhile.
  const unfinished = `${fileOf(name)}.${process.pid}`;
  writeFileSync(unfinished, Buffer.concat([digest, Buffer.from(await made.arrayBuffer())]));
  renameSync(unfinished, fileOf(name));
  return made;
}

function read(file: string): Buffer<ArrayBuffer> | null {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

async function makeEmpty(): Promise<Blob | File> {
  const db = await PGlite.create({ extensions });
  const data = await db.dumpDataDir("none");
  await db.close();
  return data;
}

/** An instance without anything in it. */
export async function openEmptyCluster(): Promise<PGlite> {
  return PGlite.create({ extensions, loadDataDir: await kept("empty-cluster", [], makeEmpty) });
}

/** Some instances with the same content. */
export async function openClusters(
  count: number,
  { files, extra, keptAs }: ClusterContent,
): Promise<PGlite[]> {
  const make = async () => {
    const db = await openEmptyCluster();
    const exec = async (script: string) => ({ rows: (await db.exec(script)).at(-1)?.rows ?? [] });
    await applySqlFiles({ exec }, files);
    await db.exec(extra);
    await db.exec("checkpoint");
    const data = await db.dumpDataDir("none");
    await db.close();
    return data;
  };
  const folders = [KIT_FUNCTIONS, files.sharedFunctions, files.migrations, files.functions];
  const scripts = folders.flatMap((folder) =>
    (folder ? readdirSync(folder) : []).sort().map((file) => readFileSync(join(folder!, file), "utf8")),
  );
  const loadDataDir = keptAs ? await kept(keptAs, [...scripts, extra], make) : await make();
  return Promise.all(
    Array.from({ length: count }, () => PGlite.create({ extensions, loadDataDir, startParams })),
  );
}

export interface ClusterContent {
  files: DatabaseFiles;
  /** A script that is run after the files. */
  extra: string;
  /** The name of its file; none if nobody will want the same. */
  keptAs: string | undefined;
}
