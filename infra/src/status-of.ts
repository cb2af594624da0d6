/** Asks a cluster's processes for their health. */
import { readHealth } from "./health.ts";
import { acceptsConnections } from "./postgres-process.ts";
import { serverOf } from "./processes.ts";
import { type Following, followersOf } from "./replication.ts";
import type { ProcessKind, ProcessRecord, ServerRole } from "./state.ts";

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
  /** What a database's server is; null for any other process. */
  role: ServerRole | null;
  /** How far a replica is, as its primary sees it; null if it does not stream, and for any other process. */
  following: Following | null;
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
  const primaries = records.filter(({ role }) => role === "primary");
  const asked = primaries.map(({ url }) => followersOf(withPassword(url, password)).catch(() => new Map()));
  const health = records.map((record) => healthOf(record, password));
  const followers = new Map<string, Following>((await Promise.all(asked)).flatMap((each) => [...each]));
  const byProcess = new Map([...followers].map(([name, following]) => [serverOf(name), following]));
  return Promise.all(
    records.map(async ({ name, kind, city, role, pid, url }, index) => {
      const following = byProcess.get(name) ?? null;
      const { health: own, notes } = await health[index]!;
      const isLost = role === "replica" && own === "ready" && !following;
      const said = isLost ? [...notes, "it does not stream from its primary"] : notes;
      return { name, kind, city, role, following, pid, url, health: own, notes: said };
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
