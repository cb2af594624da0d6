/** A PostgreSQL data directory: finds its place, checks its version, and makes it. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  rmdir,
  symlink,
  writeFile,
} from "node:fs/promises";
import { basename, dirname, join, parse, resolve } from "node:path";
import { StartupError } from "@teranga/kit/process/config.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { passageMode } from "./home.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import { stopLeftoverPostgres } from "./postgres-leftover.ts";
import { canReach, giveTo, postgresUser, REACHABLE_ROOT, type SystemUser } from "./system-user.ts";

/** The database superuser of a local server. Its rights end at that server. */
export const SUPERUSER = "teranga";

const RELOCATED_ROOT = join(REACHABLE_ROOT, "data");

export interface DataDirectoryOptions {
  directory: string;
  password: string;
  durable: boolean;
  user: SystemUser | undefined;
  binaries: PostgresBinaries;
  log: Logger;
}

/**
 * Makes the data directory if it is missing or empty, and returns its real path. If the server's user could
 * not reach that path (a home below /root), the data is elsewhere and the path is a symbolic link to it.
 * @throws StartupError if it was made by another major version of PostgreSQL.
 */
export async function prepareDataDirectory(options: DataDirectoryOptions): Promise<string> {
  const { binaries, user, log } = options;
  const directory = resolve(options.directory);
  await mkdir(dirname(directory), { recursive: true });
  const version = await readFile(join(directory, "PG_VERSION"), "utf8").catch(() => undefined);
  if (version === undefined) {
    const place = (await canReach(user, directory)) ? directory : await relocate(directory, log);
    await initialise(place, options);
    return place;
  }
  if (version.trim() !== binaries.majorVersion) {
    throw new StartupError(
      `${directory} was made by PostgreSQL ${version.trim()}, this is PostgreSQL ${binaries.majorVersion}: remove it with "npm run reset", or use another TERANGA_HOME`,
    );
  }
  return checkPlace(directory, user);
}

/** Removes a data directory and, if it is a link, the link's target. The server must be stopped. */
export async function removeDataDirectory(directory: string): Promise<void> {
  const status = await lstat(directory).catch(() => undefined);
  if (
    status?.isSymbolicLink() &&
    relocatedPath(resolve(directory)) === (await realpath(directory).catch(() => ""))
  ) {
    await rm(relocatedPath(resolve(directory)), { recursive: true, force: true });
  }
  await rm(directory, { recursive: true, force: true });
}

/**
 * Removes what a data directory holds and returns the real path that its new data must have. The server must
 * be stopped.
 */
export async function emptyPlace(path: string, user: SystemUser | undefined, log: Logger): Promise<string> {
  const directory = resolve(path);
  await removeDataDirectory(directory);
  await mkdir(dirname(directory), { recursive: true });
  return (await canReach(user, directory)) ? directory : relocate(directory, log);
}

/** The place for the data of a directory that the server's user cannot reach. It follows from the path. */
function relocatedPath(directory: string): string {
  return join(RELOCATED_ROOT, createHash("sha256").update(directory).digest("hex").slice(0, 16));
}

async function relocate(directory: string, log: Logger): Promise<string> {
  const place = relocatedPath(directory);
  await mkdir(RELOCATED_ROOT, { recursive: true, mode: 0o755 });
  const present = await lstat(directory).catch(() => undefined);
  if (present?.isSymbolicLink()) await rm(directory);
  else if (present) await rmdir(directory);
  // The data here belongs to a home that was removed by hand, and its password is gone with that home.
  await stopLeftoverPostgres(place, log);
  await rm(place, { recursive: true, force: true });
  await symlink(place, directory);
  return place;
}

/** Logs one line for all data directories in `parent` whose data is elsewhere. */
export async function sayIfRelocated(parent: string, log: Logger): Promise<void> {
  await mkdir(parent, { recursive: true });
  await chmod(parent, passageMode());
  if (await canReach(postgresUser(), join(parent, "data"))) return;
  log.info(`PostgreSQL's user cannot reach ${parent}: the data is kept in ${RELOCATED_ROOT}`);
}

/**
 * The real path of a data directory that exists.
 * @throws StartupError if the server's user cannot reach it, or it is another home's
 */
export async function checkPlace(directory: string, user: SystemUser | undefined): Promise<string> {
  const place = await realpath(directory);
  if (!(await canReach(user, place))) {
    throw new StartupError(
      `${directory} cannot be reached by PostgreSQL's user: move the home, or open its parents to others (chmod o+x)`,
    );
  }
  // A copied home must not lead to the data of the original.
  if ((await lstat(directory)).isSymbolicLink() && place !== relocatedPath(directory)) {
    throw new StartupError(
      `${directory} leads to the data of another home (${place}): remove the link, or use the home it was made for`,
    );
  }
  return place;
}

/**
 * Runs initdb beside the target and renames, so that a directory is either absent or whole. It takes 0.45 s;
 * five at once on two cores take 2 s, once in the life of a home, so there is no template to copy from.
 */
async function initialise(place: string, options: DataDirectoryOptions): Promise<void> {
  const { binaries, durable, password, user } = options;
  // The directory that holds both must not need to be writable by the server's user.
  const partial = join(dirname(place), `.${basename(place)}.partial`);
  const passwordFile = `${partial}.password`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { mode: 0o700 });
  await giveTo(user, partial);
  try {
    await writeFile(passwordFile, password, { mode: 0o600 });
    await giveTo(user, passwordFile);
    await runInitdb(
      binaries.initdb,
      [
        `--pgdata=${partial}`,
        `--pwfile=${passwordFile}`,
        `--username=${SUPERUSER}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        // The same order of text on every platform.
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
        ...(durable ? [] : ["--no-sync"]),
      ],
      user,
    );
    await removeIfEmpty(place);
    await rename(partial, place);
  } finally {
    await rm(passwordFile, { force: true });
    await rm(partial, { recursive: true, force: true });
  }
}

async function removeIfEmpty(directory: string): Promise<void> {
  const entries = await readdir(directory).catch(() => undefined);
  if (entries === undefined) return;
  if (entries.length > 0) {
    throw new StartupError(
      `${directory} is not empty and is no PostgreSQL data directory: remove it, or use another TERANGA_HOME`,
    );
  }
  await rmdir(directory);
}

async function runInitdb(
  program: string,
  options: readonly string[],
  user: SystemUser | undefined,
): Promise<void> {
  const child = spawn(program, options, {
    cwd: parse(program).root,
    env: { PATH: process.env.PATH, LC_ALL: "C" },
    stdio: ["ignore", "ignore", "pipe"],
    ...user,
  });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  if (code === 0) return;
  const reason = complaint.split("\n").find((line) => line.includes("error:")) ?? complaint.split("\n")[0];
  throw new StartupError(`PostgreSQL's initdb failed: ${reason}`);
}
