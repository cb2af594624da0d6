/** Finds, identifies and ends processes of this machine by pid. */
import { type ChildProcess, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { ProcessExit } from "./supervisor.ts";

const GONE_PROBE_MS = 25;

/** Whether a process with this pid exists (it may be another user's). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Waits until no process has this pid. Returns false if one still has it at the end of the limit. */
export async function untilGone(pid: number, limitMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + limitMs;
  while (isAlive(pid)) {
    if (performance.now() >= deadlineMs) return false;
    await sleep(GONE_PROBE_MS);
  }
  return true;
}

/** Resolves to how the child ended, also if it could not be started. Never rejects. */
export function exitOf(child: ChildProcess): Promise<ProcessExit> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", () => resolve({ code: 1, signal: null }));
  });
}

/** Whether the process ends within the limit. */
export async function endsWithin(exited: Promise<unknown>, limitMs: number): Promise<boolean> {
  const cancel = new AbortController();
  const limit = sleep(limitMs, false, { signal: cancel.signal }).catch(() => false);
  const ended = await Promise.race([exited.then(() => true), limit]);
  cancel.abort();
  return ended;
}

/** Identifies a process for later. A pid alone may be reused; a pid with its start time is unique. */
export interface ProcessIdentity {
  pid: number;
  /** The start time in the system's own format. */
  started: string;
}

/** Identifies the process that has the pid now; undefined if none has it. */
export function identify(pid: number): ProcessIdentity | undefined {
  if (!isAlive(pid)) return undefined;
  try {
    return { pid, started: startOf(pid) };
  } catch {
    return undefined;
  }
}

/** Whether this same process still runs. */
export function stillRuns({ pid, started }: ProcessIdentity): boolean {
  return identify(pid)?.started === started;
}

function startOf(pid: number): string {
  if (process.platform === "linux") {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // proc_pid_stat(5): the name in parentheses may contain anything. Field 22 is the start in ticks since
    // boot.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie has ended; its parent has just not collected it yet.
    if (state === "Z") throw new Error(`process ${pid} has ended`);
    return fields[18]!;
  }
  return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
}

/** Ends the process by SIGTERM, and by SIGKILL after the grace time. */
export async function endProcess(identity: ProcessIdentity, graceMs: number): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (!stillRuns(identity)) return;
    process.kill(identity.pid, signal);
    if (await untilGone(identity.pid, graceMs)) return;
  }
}
