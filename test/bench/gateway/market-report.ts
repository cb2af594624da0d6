/** The results as Markdown: the generated part of docs/benchmark-results.md on the gateway. */
import { availableParallelism, cpus } from "node:os";
import type { ServiceProfile, Share } from "../cpu-profile.ts";
import { median, sum } from "../statistics.ts";
import { CONTESTANT_IDS, CONTESTANTS, type ContestantId } from "./contestants.ts";
import type { OperationName } from "./market.ts";
import type { Run } from "./measure.ts";
import type { Options } from "./options.ts";
import { PINS } from "./pinned-process.ts";

export interface MarketCell {
  operation: OperationName;
  /** The runs of each contestant, one for each round. */
  runs: Record<ContestantId, Run[]>;
}

export interface MarketResults {
  otherBytes: readonly ContestantId[];
  cells: MarketCell[];
  profiles: ServiceProfile[];
}

export const CONNECTIONS = 50;

/** The paragraph that says how the figures were measured. */
export function renderHead({ rounds, measureMs }: Options, args: readonly string[]): string {
  const command = ["npm run bench:gateway", ...(args.length > 0 ? ["--", ...args] : [])].join(" ");
  const pinned = PINS ? "one core for what is measured and one for the rest" : "not pinned";
  return (
    `\`${command}\` on ${availableParallelism()} cores (${cpus()[0]?.model.trim()}; ${pinned}), Node ${process.versions.node}: ` +
    `medians of ${rounds} ${rounds === 1 ? "round" : "rounds"} of ${measureMs / 1_000} s.`
  );
}

export function renderMarket({ otherBytes, cells, profiles }: MarketResults): string {
  const bytes = otherBytes.length === 0 ? "byte for byte" : `as JSON (other bytes: ${otherBytes.join(", ")})`;
  const parts = [
    `All contestants' answers are equal ${bytes}; ${CONNECTIONS} connections.`,
    ...cells.map(renderCell),
    profiles.length > 0 ? renderProfiles("Where the gateway's time goes", profiles) : "",
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const KB = 1_000;
const MB = 1_000_000;

function renderCell({ operation, runs }: MarketCell): string {
  const of = (id: ContestantId, value: (run: Run) => number) => median(runs[id].map(value));
  const rate = (id: ContestantId) => of(id, ({ streams }) => streams[0]!.requestsPerS);
  const cpu = (id: ContestantId) => of(id, (run) => run.cpuMs);
  const head = [
    "gateway",
    "requests/s",
    "÷ stock",
    "÷ Hive",
    "÷ floor",
    "p50, ms",
    "p95, ms",
    "p99, ms",
    "CPU, ms",
    "stock's CPU ÷",
    "Hive's ÷",
    "floor's ÷",
    "allocated, kB",
    "left, kB",
    "RSS, MB",
    "other core",
    "failed",
  ];
  const rows = CONTESTANT_IDS.filter((id) => runs[id].length > 0).map((id) => [
    CONTESTANTS[id],
    rounded(rate(id)),
    ...(["stock", "hive", "floor"] as const).map((other) => ratio(rate(id) / rate(other))),
    ...(["p50Ms", "p95Ms", "p99Ms"] as const).map((key) =>
      rounded(of(id, ({ streams }) => streams[0]![key])),
    ),
    rounded(cpu(id)),
    ...(["stock", "hive", "floor"] as const).map((other) => ratio(cpu(other) / cpu(id))),
    rounded(of(id, (run) => run.allocatedBytes) / KB),
    (of(id, (run) => run.grownBytes) / KB).toFixed(2),
    rounded(of(id, (run) => run.rssBytes) / MB),
    `${Math.round(of(id, (run) => run.othersShare) * 100)} %`,
    String(sum(runs[id].flatMap(({ streams }) => Object.values(streams[0]!.failures)))),
  ]);
  return `### The ${operation} query\n\n${table(head, rows)}`;
}

export function renderProfiles(title: string, profiles: readonly ServiceProfile[]): string {
  const shares = (list: readonly Share[]) =>
    list.map(({ name, share }) => `${name} ${(share * 100).toFixed(1)} %`).join(", ");
  const rows = profiles.map(({ service, packages, functions }) => [
    service,
    shares(packages),
    shares(functions),
  ]);
  return `### ${title}\n\n${table(["run", "self time by package", "by function"], rows)}`;
}

/** A number with three significant digits. */
export function rounded(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function ratio(value: number): string {
  return Number.isFinite(value) ? `${rounded(value)} ×` : "–";
}
