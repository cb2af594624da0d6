/** The health of a cluster's processes, as they answer now. */
import { readHealth } from "./health.ts";
import { acceptsConnections } from "./postgres.ts";
import type { ProcessKind, ProcessRecord } from "./state.ts";

/** ready: it answers. starting: it has not come up yet. down: it does not answer, or does not run. */
export type Health = "ready" | "starting" | "down";

/** One process, as `npm run status -- --json` gives it. */
export interface ProcessStatus {
  name: string;
  kind: ProcessKind;
  /** The city's id; null for what is no city's. */
  city: string | null;
  /** Null while it does not run. */
  pid: number | null;
  /** The GraphQL endpoint, the simulated company's URL, or a database's without its password. */
  url: string;
  health: Health;
  /** What it says that a person should look at, although it does its work. */
  notes: readonly string[];
}

/** Asks all of them side by side; each is given two seconds. */
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
