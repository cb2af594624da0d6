/**
 * The file in the home that lists a cluster's processes. The supervisor writes it; `npm run status` and the
 * next start read it.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { FILE_MODE, pathsOf } from "./home.ts";

const processRecord = z.object({
  name: z.string(),
  kind: z.enum(["gateway", "city", "catalog", "orders", "mobile-money", "postgres"]),
  /** The city's id; null for a process that belongs to no city. */
  city: z.string().nullable(),
  /** What a database's server is now; null for any other process. */
  role: z.enum(["primary", "replica"]).nullable().default(null),
  /** Null while it does not run. */
  pid: z.number().nullable(),
  /** The start time: tells the process from a later one with the same pid. */
  started: z.string().nullable(),
  url: z.string(),
  phase: z.enum(["starting", "ready", "backing-off", "stopping", "stopped"]),
});

export type ProcessRecord = z.infer<typeof processRecord>;
export type ProcessKind = ProcessRecord["kind"];
export type ServerRole = NonNullable<ProcessRecord["role"]>;

/** The records of the cluster that runs or was killed. Empty if it ended well or the file is damaged. */
export function readProcesses(home: string): ProcessRecord[] {
  return readJson(pathsOf(home).processes, z.array(processRecord)) ?? [];
}

export function writeProcesses(home: string, processes: readonly ProcessRecord[]): void {
  writeJson(pathsOf(home).processes, processes);
}

export function forgetProcesses(home: string): void {
  rmSync(pathsOf(home).processes, { force: true });
}

const portsFile = z.record(z.string(), z.number().int().min(1).max(65_535));

/** The ports of the run before, by process name. */
export function readPorts(home: string): Record<string, number> {
  return readJson(pathsOf(home).ports, portsFile) ?? {};
}

export function writePorts(home: string, ports: Record<string, number>): void {
  writeJson(pathsOf(home).ports, ports);
}

function readJson<T>(file: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return undefined;
  }
}

/** Replaces the file atomically: a reader sees the old one or the new one. */
export function writeJson(file: string, value: unknown): void {
  writeFileSync(`${file}.partial`, `${JSON.stringify(value, null, 2)}\n`, { mode: FILE_MODE });
  renameSync(`${file}.partial`, file);
}
