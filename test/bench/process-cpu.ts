/** The CPU time of processes, read from /proc (Linux). */
import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

interface ProcessStat {
  parent: number;
  ownMs: number;
  /** The time of children that have ended and were waited for. */
  endedChildrenMs: number;
}

/** Reads /proc/PID/stat (proc_pid_stat(5)). Undefined if the process has ended. */
function statOf(pid: number): ProcessStat | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may contain anything. Field 3 is the first after it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = (field: number) => Number(fields[field - 3]);
    return {
      parent: ticks(4),
      ownMs: (ticks(14) + ticks(15)) * TICK_MS,
      endedChildrenMs: (ticks(16) + ticks(17)) * TICK_MS,
    };
  } catch {
    return undefined;
  }
}

/** The CPU time of the processes and their children up to now, in milliseconds. */
export function cpuMs(pids: readonly number[]): number {
  const roots = new Set(pids);
  let total = 0;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = statOf(Number(name));
    if (!stat) continue;
    if (roots.has(Number(name))) total += stat.ownMs + stat.endedChildrenMs;
    else if (roots.has(stat.parent)) total += stat.ownMs;
  }
  return total;
}
