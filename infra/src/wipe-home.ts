/** Removes a home with everything in it. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { StartupError } from "@teranga/kit/config.ts";
import type { Logger } from "@teranga/kit/log.ts";
import { claimHome, isHome, pathsOf } from "./home.ts";
import { stopLeftovers } from "./leftovers.ts";
import { removeDataDirectory } from "./postgres-data.ts";

/**
 * Wipes the home; false if there is none.
 * @throws StartupError if a cluster runs on it, or the directory is something else
 */
export async function wipeHome(home: string, log: Logger): Promise<boolean> {
  if (!(await isHome(home))) {
    const entries = await readdir(home).catch((): string[] => []);
    if (entries.length === 0) return false;
    throw new StartupError(`TERANGA_HOME: ${home} was not made by Teranga and is not touched`);
  }
  await claimHome(home);
  await stopLeftovers(home, log);
  const { postgres } = pathsOf(home);
  for (const name of await readdir(postgres).catch((): string[] => []))
    await removeDataDirectory(join(postgres, name));
  await rm(home, { recursive: true, force: true });
  return true;
}
