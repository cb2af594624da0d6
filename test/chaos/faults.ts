/** The kinds of faults, and how each is inflicted. */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { stillRuns } from "@teranga/infra/process.ts";
import type { ChaosCluster } from "./chaos-cluster.ts";

export type Fault =
  /** SIGKILL. The supervisor starts the process again. */
  | { kind: "kill"; target: string }
  /** SIGKILL to one backend process of a database server: the server then recovers as after a crash. */
  | { kind: "kill-backend"; target: string }
  /** SIGSTOP, then SIGCONT after the time; for a database server to all of its processes. */
  | { kind: "pause"; target: string; forMs: number }
  /** Cuts the existing connections to the target, once. */
  | { kind: "cut"; target: string }
  /** Refuses new connections to the target. */
  | { kind: "refuse"; target: string; forMs: number }
  /** The target gets no requests. */
  | { kind: "silence"; target: string; forMs: number }
  /** The target gets all requests, and its answers are lost. */
  | { kind: "mute"; target: string; forMs: number }
  /** Delays everything to and from the target by `delayMs`. */
  | { kind: "delay"; target: string; forMs: number; delayMs: number };

/** Whether the target still works during the fault. */
export function isUpDuring(fault: Fault): boolean {
  return fault.kind === "delay" || fault.kind === "cut";
}

/**
 * Inflicts the fault and resolves when it is over. Resolves to false if the target was not there just then.
 */
export async function inflict(fault: Fault, cluster: ChaosCluster, calm: AbortSignal): Promise<boolean> {
  const wire = () => cluster.wires.get(fault.target)!;
  const wait = (ms: number) => sleep(ms, undefined, { signal: calm }).catch(() => undefined);
  switch (fault.kind) {
    case "kill":
      return signal(pidOf(fault.target, cluster), "SIGKILL");
    case "kill-backend": {
      const server = pidOf(fault.target, cluster);
      const children = server === null ? [] : await childrenOf(server);
      return signal(children.at(-1) ?? null, "SIGKILL");
    }
    case "pause": {
      const pids = await familyOf(fault.target, cluster);
      for (const pid of pids) signal(pid, "SIGSTOP");
      await wait(fault.forMs);
      for (const pid of pids) signal(pid, "SIGCONT");
      return pids.length > 0;
    }
    case "cut":
      wire().cut();
      return true;
    case "refuse":
    case "silence":
    case "mute":
      wire().set(({ refuse: "refusing", silence: "silent", mute: "mute" } as const)[fault.kind]);
      await wait(fault.forMs);
      wire().set("open");
      return true;
    case "delay":
      wire().delay(fault.delayMs);
      await wait(fault.forMs);
      wire().delay(0);
      return true;
    default:
      return fault satisfies never;
  }
}

/**
 * The pid of the process of this name; null unless it is ready and is still the process that the cluster
 * started.
 */
function pidOf(name: string, cluster: ChaosCluster): number | null {
  const record = cluster.processes().find((process) => process.name === name);
  if (record?.phase !== "ready" || record.pid === null || record.started === null) return null;
  return stillRuns({ pid: record.pid, started: record.started }) ? record.pid : null;
}

async function familyOf(name: string, cluster: ChaosCluster): Promise<number[]> {
  const pid = pidOf(name, cluster);
  return pid === null ? [] : [pid, ...(await childrenOf(pid))];
}

/**
 * The process's children. Only Linux lists them; elsewhere a paused database server goes on with its existing
 * connections.
 */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return text.trim().split(" ").filter(Boolean).map(Number);
}

function signal(pid: number | null, name: NodeJS.Signals): boolean {
  if (pid === null) return false;
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
