/**
 * Finds and ends the processes that a killed cluster (SIGKILL, out of memory) has left running on its home.
 */
import { readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "@teranga/kit/process/log.ts";
import { pathsOf } from "./home.ts";
import { stopLeftoverPostgres } from "./postgres-leftover.ts";
import { endProcess, stillRuns } from "./process.ts";
import { forgetProcesses, type ProcessRecord, readProcesses } from "./state.ts";

/** Services end by themselves within 10 s when their supervisor is gone (kit/src/process/shutdown.ts). */
const GRACE_MS = 12_000;

/** Whether the process of the record still runs. */
export function isRunning({ pid, started }: ProcessRecord): boolean {
  return pid !== null && started !== null && stillRuns({ pid, started });
}

/** Ends all leftover processes, services before databases. Call it only while this process holds the home. */
export async function stopLeftovers(home: string, log: Logger): Promise<void> {
  const services = readProcesses(home).filter((record) => record.kind !== "postgres" && isRunning(record));
  for (const { name, pid } of services)
    log.warn(`${name} (pid ${pid}) was left running by a cluster that was killed`);
  await Promise.all(
    services.map(({ pid, started }) => endProcess({ pid: pid!, started: started! }, GRACE_MS)),
  );
  const { postgres } = pathsOf(home);
  const names = await readdir(postgres).catch((): string[] => []);
  await Promise.all(
    names.map(async (name) => {
      const directory = await realpath(join(postgres, name)).catch(() => undefined);
      if (directory) await stopLeftoverPostgres(directory, log);
    }),
  );
  forgetProcesses(home);
}
