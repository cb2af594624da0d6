/**
 * Remembers the home of this checkout's last cluster, so that `npm run status` finds it without being told.
 * The file is beside the stamp of the install, which also belongs to this machine alone.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT, readClusterConfig } from "./config.ts";
import { runningSupervisor } from "./home.ts";

const FILE = join(ROOT, "node_modules", ".teranga-last-home");

/** A checkout that cannot be written is no error: `npm run status` must then be told the home. */
export async function rememberHome(home: string): Promise<void> {
  await writeFile(FILE, `${home}\n`, { mode: 0o600 }).catch(() => undefined);
}

/**
 * The home that a command is about: the one that the environment names. Without one it is the default home,
 * unless only the last cluster's home has a cluster that runs.
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
