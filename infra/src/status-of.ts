/** Asks a cluster's processes for their health. */
import { readHealth } from "./health.ts";
import { acceptsConnections } from "./postgres-process.ts";
import type { ProcessKind, ProcessRecord } from "./state.ts";

/**
 * ready: the process answers. starting: it has not come up yet. down: it does not answer, or does not run.
 */
export type Health = "ready" | "starting" | "down";

/** One process, as `npm run status -- --json` gives it. */
export interface ProcessStatus {
  name: string;
  kind: ProcessKind;
  /** The city's id; null for a process that belongs to no city. */
  city: string | null;
  /** Null while it does not run. */
  pid: number | null;
  /** The GraphQL endpoint, the simulated company's URL, or a database's without its password. */
  url: string;
  health: Health;
  /** What a person should look at although the process is ready, a line each. */
  notes: readonly string[];
}

/** Asks all processes side by side and waits at most two seconds for each. */
export async function statusOf(
  records: readonly ProcessRecord[],
  password: string,
): Promise<ProcessStatus[]> {
  return Promise.all(
    records.map(async (record) => {
      const { name, kind, city, pid, url } = record;
      return { name, kind, city, pid, url, ...(await healthOf(record, password)) };
    }),
  );
}

async function healthOf(
  { kind, url, phase }: ProcessRecord,
  password: string,
): Promise<Pick<ProcessStatus, "health" | "notes">> {
  const { isReady, notes } =
    kind === "postgres"
      ? { isReady: await acceptsConnections(withPassword(url, password)), notes: [] }
      : await readHealth(url);
  if (isReady) return { health: "ready", notes };
  return { health: phase === "starting" ? "starting" : "down", notes };
}

function withPassword(url: string, password: string): string {
  const full = new URL(url);
  full.password = password;
  return full.href;
}
