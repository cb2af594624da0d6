/** The table of a cluster's processes, kept in memory and in a file of the home. */
import type { Logger } from "@teranga/kit/process/log.ts";
import { identify } from "./process.ts";
import type { ProcessPlan } from "./processes.ts";
import { type ProcessRecord, type ServerRole, writeProcesses } from "./state.ts";
import type { ProcessState } from "./supervisor.ts";

export interface ProcessTable {
  records(): readonly ProcessRecord[];
  /** Returns the listener for the state changes of one process. */
  onChange(name: string): (state: ProcessState) => void;
  add(plan: ProcessPlan): void;
  /** Leaves out a process that has ended for good. */
  remove(name: string): void;
  setRole(name: string, role: ServerRole): void;
}

export function createProcessTable(home: string, plans: readonly ProcessPlan[], log: Logger): ProcessTable {
  const records = new Map(plans.map((plan) => [plan.name, recordOf(plan)]));
  const save = () => {
    try {
      writeProcesses(home, [...records.values()]);
    } catch (error) {
      // The disk may be full, or the home removed. The processes must still be supervised, and stopped.
      log.warn({ err: error }, "the list of processes cannot be written");
    }
  };
  save();
  return {
    records: () => [...records.values()],
    onChange: (name) => (state) => {
      const pid = pidOf(state);
      const started = pid === null ? null : (identify(pid)?.started ?? null);
      records.set(name, { ...records.get(name)!, phase: state.phase, pid, started });
      save();
    },
    add(plan) {
      records.set(plan.name, recordOf(plan));
      save();
    },
    remove(name) {
      records.delete(name);
      save();
    },
    setRole(name, role) {
      records.set(name, { ...records.get(name)!, role });
      save();
    },
  };
}

function recordOf({ name, kind, city, role, url }: ProcessPlan): ProcessRecord {
  return { name, kind, city, role, pid: null, started: null, url, phase: "stopped" };
}

function pidOf(state: ProcessState): number | null {
  switch (state.phase) {
    case "ready":
    case "stopping":
      return state.process.pid;
    case "starting":
    case "backing-off":
    case "stopped":
      return null;
    default:
      return state satisfies never;
  }
}
