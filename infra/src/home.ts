/**
 * The home of a cluster: the directory that holds everything it keeps.
 *
 *     version            that this is a home, and the version of its layout: "teranga-home 2"
 *     lock               the running cluster's supervisor: pid and start
 *     processes.json     what it runs (state.ts); missing when it does not run
 *     ports.json         the ports that were given out, to give them out again
 *     topology.yaml      written at each start, when the cities have accepted it
 *     databases.json     which servers each database has, and which is its primary (members.ts)
 *     request.json, outcome.json       what a command asks of the supervisor, and its answer (requests.ts)
 *     credential, postgres-password, replication-password, payment-secret    secrets
 *     token-key, token-keys.json       what `npm run token` signs with, and what the gateway checks that by
 *     mobile-money.journal             the accounts of the simulated company
 *     postgres/<name>    data directories
 *     logs/<name>.log    of this run; <name>.old.log of the one before
 *
 * Only the owner can read it: logs, ports and process ids concern no other user. The data directories belong
 * to PostgreSQL's user.
 */
import { randomBytes } from "node:crypto";
import {
  access,
  chmod,
  constants,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { StartupError } from "@teranga/kit/process/config.ts";
import { identify, type ProcessIdentity, stillRuns } from "./process.ts";

/** Raised when older code must not use the home, or when this code cannot use an older one. */
const LAYOUT_VERSION = "2";
/** Of homes that are taken over. In the first layout the catalog had no nodes. */
const TAKEN_OVER = "1";
/** The text of the version file. Other directories have a file of that name, but not with this text. */
const MARKER = /^teranga-home (\S+)\s*$/;
const CLAIM_TRIES_MAX = 3;
/** The mode of every file in a home: only the owner reads it. */
export const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
/** For a cluster of root: PostgreSQL runs as another user and must be able to pass through to its data. */
const PASSAGE_MODE = 0o711;

/** The paths in a home. */
export function pathsOf(home: string) {
  return {
    version: join(home, "version"),
    lock: join(home, "lock"),
    processes: join(home, "processes.json"),
    ports: join(home, "ports.json"),
    databases: join(home, "databases.json"),
    request: join(home, "request.json"),
    outcome: join(home, "outcome.json"),
    topology: join(home, "topology.yaml"),
    supergraph: join(home, "supergraph.graphql"),
    credential: join(home, "credential"),
    postgresPassword: join(home, "postgres-password"),
    replicationPassword: join(home, "replication-password"),
    paymentSecret: join(home, "payment-secret"),
    tokenKey: join(home, "token-key"),
    tokenKeys: join(home, "token-keys.json"),
    mobileMoneyJournal: join(home, "mobile-money.journal"),
    postgres: join(home, "postgres"),
    logs: join(home, "logs"),
  };
}

/**
 * The names of all entries that a home may hold, also the partial files of a program that was killed while
 * writing.
 */
export function entryNames(home: string): Set<string> {
  const names = Object.values(pathsOf(home)).map((path) => basename(path));
  return new Set(names.flatMap((name) => [name, `${name}.partial`]));
}

/**
 * Makes the home if it is missing or empty.
 * @throws StartupError if it has another layout version, holds something else, or cannot be written.
 */
export async function openHome(home: string): Promise<void> {
  await makeDirectory(home).catch((error: NodeJS.ErrnoException) => {
    throw new StartupError(`TERANGA_HOME: ${home} cannot be made (${error.code})`);
  });
  await usingHome(home, async () => {
    if (!(await stat(home)).isDirectory()) {
      throw new StartupError(`TERANGA_HOME: ${home} is not a directory`);
    }
    await closeToOthers(home);
    await access(home, constants.R_OK | constants.W_OK | constants.X_OK);
    const version = await layoutOf(home);
    if (version === LAYOUT_VERSION) return;
    if (version !== undefined && version !== TAKEN_OVER) {
      throw new StartupError(
        `TERANGA_HOME: ${home} was made by another version of Teranga (layout ${version}, this is ${LAYOUT_VERSION}): wipe it with "npm run reset", or use another one`,
      );
    }
    if (version === undefined && (await readdir(home)).length > 0) {
      throw new StartupError(
        `TERANGA_HOME: ${home} is not empty and was not made by Teranga: use another one`,
      );
    }
    await writeFile(pathsOf(home).version, `teranga-home ${LAYOUT_VERSION}\n`, { mode: FILE_MODE });
  });
}

/**
 * Closes only a home, or an empty directory, of this user. Any other directory is refused later, by its own
 * error.
 */
async function closeToOthers(home: string): Promise<void> {
  const entries = await readdir(home);
  if (entries.length > 0 && !(await isHome(home))) return;
  const { uid } = await stat(home);
  if (process.getuid && uid !== process.getuid()) return;
  await chmod(home, passageMode());
  // Files that an older version wrote may be readable by others.
  for (const entry of await readdir(home, { withFileTypes: true }))
    if (entry.isFile()) await chmod(join(home, entry.name), FILE_MODE);
}

/**
 * The mode of a directory that is closed to others. PostgreSQL's user may pass through it if it is another
 * user.
 */
export function passageMode(): number {
  return process.getuid?.() === 0 ? PASSAGE_MODE : DIRECTORY_MODE;
}

/**
 * Makes the directory and its parents. Node's `recursive` is not used: it tries for ever where the parent
 * exists and answers ENOENT (/proc).
 */
async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    if (code !== "ENOENT" || dirname(directory) === directory) throw error;
    await makeDirectory(dirname(directory));
    await mkdir(directory);
  }
}

/**
 * The layout version of a home; undefined if the directory is no home.
 * @throws Error if the version file cannot be read
 */
async function layoutOf(home: string): Promise<string | undefined> {
  const text = await readFile(pathsOf(home).version, "utf8").catch(noneIf("ENOENT", "ENOTDIR", "EISDIR"));
  return text === undefined ? undefined : MARKER.exec(text)?.[1];
}

/**
 * Whether the directory is a home of any layout version.
 * @throws Error if the version file cannot be read
 */
export async function isHome(home: string): Promise<boolean> {
  return (await layoutOf(home)) !== undefined;
}

/**
 * For `catch`: returns undefined for these error codes, which mean that the file does not exist; throws any
 * other error.
 */
export function noneIf(...codes: string[]): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (!codes.includes(error.code ?? "")) throw error;
    return undefined;
  };
}

/**
 * Runs work on the home's files.
 * @throws StartupError with one line if the system refuses it
 */
export async function usingHome<T>(home: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, path = home } = error as NodeJS.ErrnoException;
    if (error instanceof StartupError || code === undefined) throw error;
    throw new StartupError(`TERANGA_HOME: ${path} cannot be read and written (${code})`);
  }
}

/** The supervisor that runs on the home now; undefined if none does. */
export async function runningSupervisor(home: string): Promise<ProcessIdentity | undefined> {
  const text = await readFile(pathsOf(home).lock, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const [pid, started] = text.trim().split(" ");
  const identity = { pid: Number(pid), started: started ?? "" };
  return Number.isSafeInteger(identity.pid) && stillRuns(identity) ? identity : undefined;
}

/**
 * Locks the home for this process until `release`.
 * @throws StartupError if a running cluster has it.
 */
export async function claimHome(home: string): Promise<{ release: () => Promise<void> }> {
  const { lock } = pathsOf(home);
  for (let tries = 1; tries <= CLAIM_TRIES_MAX; tries++) {
    const owner = await runningSupervisor(home);
    if (owner)
      throw new StartupError(
        `A cluster runs on ${home} (pid ${owner.pid}): stop it first, or use another TERANGA_HOME`,
      );
    await rm(lock, { force: true });
    if (await writeNew(lock, `${process.pid} ${identify(process.pid)?.started ?? ""}\n`)) {
      return { release: () => rm(lock, { force: true }) };
    }
  }
  throw new StartupError(`Another cluster is starting on ${home}`);
}

/** Writes a new file. Returns false if it exists already. */
async function writeNew(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: "wx", mode: FILE_MODE });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

const randomText = () => randomBytes(32).toString("base64url");

/**
 * Reads a secret, and makes it at the first call. Only the owner of the home can read its file.
 * @param make makes one; random by default
 */
export async function keepSecret(file: string, make: () => string = randomText): Promise<string> {
  // A secret that exists and cannot be read must not be replaced: the data was made with it.
  const kept = await readFile(file, "utf8").catch(noneIf("ENOENT"));
  if (kept) return kept.trim();
  const secret = make();
  await writeWhole(file, `${secret}\n`);
  return secret;
}

/** Writes a file of the home so that it is never there by half. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const partial = `${file}.partial`;
  await rm(partial, { force: true });
  await writeFile(partial, text, { mode: FILE_MODE, flag: "wx" });
  await rename(partial, file);
}

/** Begins a new log file and keeps that of the run before, so logs take the space of two runs at most. */
export async function beginLog(home: string, name: string): Promise<string> {
  const { logs } = pathsOf(home);
  await mkdir(logs, { recursive: true, mode: DIRECTORY_MODE });
  const file = join(logs, `${name}.log`);
  await rename(file, join(logs, `${name}.old.log`)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  await (await open(file, "a", FILE_MODE)).close();
  return file;
}
