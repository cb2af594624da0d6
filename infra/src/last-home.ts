/**
 * Which home the last cluster of this checkout was started in, so that `npm run status` need not be told
 * again. Kept beside the stamp of the install, which is this machine's own too.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT, readClusterConfig } from "./config.ts";
import { runningSupervisor } from "./home.ts";

const FILE = join(ROOT, "node_modules", ".teranga-last-home");

/** A checkout that cannot be written is no fault: status has to be told the home then, as before. */
export async function rememberHome(home: string): Promise<void> {
  await writeFile(FILE, `${home}\n`, { mode: 0o600 }).catch(() => undefined);
}

/**
 * The home that is asked about: the one that the environment names; else the usual one, unless only the last
 * one runs.
 */
export async function askedHome(env: NodeJS.ProcessEnv): Promise<string> {
  const { home } = readClusterConfig(env);
  if (env.TERANGA_HOME || (await runningSupervisor(home))) return home;
  const last = await runningHome();
  return last ?? home;
}

/** The home of the last cluster, if it runs. */
async function runningHome(): Promise<string | undefined> {
  const last = (await readFile(FILE, "utf8").catch(() => "")).trim();
  return last !== "" && (await runningSupervisor(last)) ? last : undefined;
}
