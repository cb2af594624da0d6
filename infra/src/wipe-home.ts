/** Removes a home with everything in it, and nothing else. */
import { readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { StartupError } from "@teranga/kit/process/config.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { claimHome, entryNames, isHome, noneIf, pathsOf, usingHome } from "./home.ts";
import { stopLeftovers } from "./leftovers.ts";
import { removeDataDirectory } from "./postgres-data.ts";

const NAMED_MAX = 5;

export type WipeOutcome = "wiped" | "nothing" | "kept";

/**
 * Wipes the home.
 * @param confirm asked after all checks and before anything is removed; without it, nothing is asked
 * @throws StartupError if a cluster runs on it, the directory is no home, or it holds entries that no home
 * has
 */
export function wipeHome(
  home: string,
  log: Logger,
  confirm: () => Promise<boolean> = async () => true,
): Promise<WipeOutcome> {
  return usingHome(home, async () => {
    const entries = (await readdir(home).catch(noneIf("ENOENT", "ENOTDIR"))) ?? [];
    if (entries.length === 0) return "nothing";
    if (!(await isHome(home))) {
      throw new StartupError(`TERANGA_HOME: ${home} was not made by Teranga and is not touched`);
    }
    const claim = await claimHome(home);
    try {
      refuseStrangers(home, entries);
      if (!(await confirm())) return "kept";
      await stopLeftovers(home, log);
      await removeEntries(home);
    } finally {
      await claim.release();
    }
    // A directory that cannot be removed (a mounted volume, the target of a link) stays empty, which is
    // enough.
    await rmdir(home).catch(() => undefined);
    return "wiped";
  });
}

function refuseStrangers(home: string, entries: readonly string[]): void {
  const known = entryNames(home);
  const strangers = entries.filter((name) => !known.has(name)).sort();
  if (strangers.length === 0) return;
  const rest = strangers.length > NAMED_MAX ? ` and ${strangers.length - NAMED_MAX} more` : "";
  const names = strangers.slice(0, NAMED_MAX).map((name) => JSON.stringify(name));
  throw new StartupError(
    `TERANGA_HOME: ${home} also holds ${names.join(", ")}${rest}, not made by Teranga: move it away first; nothing was wiped`,
  );
}

/** Removes the marker last, so that an interrupted wipe can be run again. Leaves the lock to its holder. */
async function removeEntries(home: string): Promise<void> {
  const { postgres, version, lock } = pathsOf(home);
  for (const name of (await readdir(postgres).catch(noneIf("ENOENT"))) ?? [])
    await removeDataDirectory(join(postgres, name));
  for (const name of entryNames(home)) {
    const path = join(home, name);
    if (path !== version && path !== lock) await rm(path, { recursive: true, force: true });
  }
  await rm(version);
}
