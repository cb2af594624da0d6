/**
 * Copies the data directory of a server that runs, as `pg_basebackup` does: that program is not in the npm
 * package. The copy is whole once it has replayed the primary's WAL up to the end of the backup.
 */
import { copyFile, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { asSuperuser } from "./postgres-process.ts";
import { giveTo, type SystemUser } from "./system-user.ts";

export interface CopyOptions {
  /** The data directory of the server that runs. */
  from: string;
  /** The path of the copy; nothing is there. */
  to: string;
  /** The server's URL, as its superuser. */
  url: string;
  user: SystemUser | undefined;
  signal: AbortSignal | undefined;
}

/** What belongs to the running server, or is written anew for the copy. */
const LEFT_OUT = new Set([
  "postmaster.pid",
  "postmaster.opts",
  "server.log",
  "postgresql.auto.conf",
  "backup_label",
  "tablespace_map",
  "standby.signal",
  "recovery.signal",
  "pg_internal.init",
]);
/** Directories whose contents the server makes anew. */
const EMPTIED = new Set([
  "pg_dynshmem",
  "pg_notify",
  "pg_replslot",
  "pg_serial",
  "pg_snapshots",
  "pg_stat_tmp",
  "pg_subtrans",
  "pg_wal",
  "pgsql_tmp",
]);
/** It says where the WAL stands, so it must not be older than any other file. */
const CONTROL_FILE = join("global", "pg_control");

/** Makes the copy as a replica. Nothing is left at `to` if it fails. */
export async function copyServer({ from, to, url, user, signal }: CopyOptions): Promise<void> {
  const partial = join(dirname(to), `.${basename(to)}.partial`);
  await rm(partial, { recursive: true, force: true });
  const write = async (name: string, text: string) => {
    await writeFile(join(partial, name), text, { mode: 0o600 });
    await giveTo(user, join(partial, name));
  };
  try {
    // The backup ends when the connection does, so a failure needs no more.
    await asSuperuser(url, async (sql) => {
      await sql`select pg_backup_start('replica', fast => true)`;
      await copyDirectory({ from, to: partial, user, signal }, ".");
      await copyOne({ from, to: partial, user, signal }, CONTROL_FILE);
      const [label] = await sql`select labelfile from pg_backup_stop(wait_for_archive => false)`;
      await write("backup_label", label!.labelfile as string);
    });
    await write("standby.signal", "");
    await rename(partial, to);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

type Files = Omit<CopyOptions, "url">;

async function copyDirectory(files: Files, path: string): Promise<void> {
  files.signal?.throwIfAborted();
  const target = join(files.to, path);
  await mkdir(target, { mode: 0o700 });
  await giveTo(files.user, target);
  if (EMPTIED.has(basename(path))) return;
  const entries = await readdir(join(files.from, path), { withFileTypes: true });
  const names = entries.filter(({ name }) => !LEFT_OUT.has(name));
  // Node copies four files at a time, however many it is told to.
  await Promise.all(
    names
      .filter((entry) => entry.isFile() && join(path, entry.name) !== CONTROL_FILE)
      .map((entry) => copyOne(files, join(path, entry.name))),
  );
  for (const entry of names) if (entry.isDirectory()) await copyDirectory(files, join(path, entry.name));
}

async function copyOne({ from, to, user }: Files, path: string): Promise<void> {
  try {
    await copyFile(join(from, path), join(to, path));
  } catch (error) {
    // A table that was dropped since the directory was read. The WAL says so too.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  await giveTo(user, join(to, path));
}
