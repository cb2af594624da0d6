/** The results as Markdown: the generated part of docs/benchmark-results.md. */
import { availableParallelism, cpus, totalmem } from "node:os";
import type { Profiles, Share } from "./cpu-profile.ts";
import type { DurableWrites } from "./durable-writes.ts";
import { GENERATOR, type Run } from "./run-load.ts";
import { kindOf, type Scenario } from "./scenarios.ts";
import { median, sum } from "./statistics.ts";
import { SYSTEM_IDS, type SystemId } from "./systems.ts";

export interface Cell {
  scenario: Scenario;
  /** The runs of each system, one for each round. */
  runs: Record<SystemId, Run[]>;
}

export interface Results {
  command: string;
  rounds: number;
  measureMs: number;
  cells: Cell[];
  writes: DurableWrites[];
  profiles: Profiles | null;
  /** The number of orders in the databases at the end, all checked against the stock. */
  orders: number;
}

const LABELS: Record<SystemId, string> = { ours: "Teranga", direct: "(a) SQL alone", classic: "(b) classic" };
const GIB = 2 ** 30;

export function renderReport(results: Results): string {
  const { command, rounds, measureMs, orders } = results;
  const memoryGib = Math.round(totalmem() / GIB);
  const parts = [
    `\`${command}\` on ${availableParallelism()} cores (${cpus()[0]?.model.trim()}), ${memoryGib} GiB of memory, Node ${process.versions.node}: ` +
      `medians of ${rounds} ${rounds === 1 ? "round" : "rounds"} of ${measureMs / 1_000} s. ` +
      `${orders.toLocaleString("en")} orders in all; the stock adds up to them.`,
    renderRatios(results.cells),
    renderWrites(results.writes),
    renderLatencies(results.cells),
    renderCpu(results.cells),
    results.profiles ? renderProfiles(results.profiles) : "",
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** The median over the rounds. */
function over(runs: readonly Run[], value: (run: Run) => number): number {
  return median(runs.map(value));
}

function renderRatios(cells: readonly Cell[]): string {
  const rows = cells.map(({ scenario, runs }) => {
    const [ours, direct, classic] = SYSTEM_IDS.map((id) => over(runs[id], ({ ordersPerS }) => ordersPerS));
    const { cities, products, concurrency } = scenario;
    return [
      `${kindOf(cities)}, ${products}`,
      String(concurrency),
      ...[ours, direct, classic].map((rate) => rounded(rate!)),
      ratio(ours! / direct!),
      ratio(ours! / classic!),
    ];
  });
  const head = [
    "orders",
    "at a time",
    ...SYSTEM_IDS.map((id) => `${LABELS[id]}, orders/s`),
    "÷ (a)",
    "÷ (b)",
  ];
  return `### Throughput\n\n${table(head, rows)}`;
}

function renderLatencies(cells: readonly Cell[]): string {
  const rows = cells.flatMap(({ scenario, runs }) =>
    SYSTEM_IDS.map((id) => {
      const { cities, products, concurrency } = scenario;
      const failed = sum(runs[id].flatMap(({ failures }) => Object.values(failures)));
      return [
        `${kindOf(cities)}, ${products}`,
        String(concurrency),
        LABELS[id],
        ...[
          over(runs[id], ({ medianMs }) => medianMs),
          over(runs[id], ({ p95Ms }) => p95Ms),
          over(runs[id], ({ p99Ms }) => p99Ms),
        ].map(rounded),
        failed === 0
          ? "0"
          : `${failed} of ${failed + sum(runs[id].map(({ placed }) => placed))}: ${failureNames(runs[id])}`,
      ];
    }),
  );
  const head = ["orders", "at a time", "system", "median, ms", "p95, ms", "p99, ms", "not placed"];
  return `### Latency\n\n${table(head, rows)}`;
}

function failureNames(runs: readonly Run[]): string {
  return [...new Set(runs.flatMap(({ failures }) => Object.keys(failures)))].sort().join(", ");
}

function renderWrites(writes: Results["writes"]): string {
  if (writes.length === 0) return "";
  const rows = writes.map(({ system, cities, inARow, inAll }) => [
    kindOf(cities),
    LABELS[system],
    inARow.toFixed(2),
    inAll.toFixed(2),
  ]);
  return `### Durable writes of an order\n\n${table(["order", "system", "in a row before the answer", "in all"], rows)}`;
}

/** The concurrency of the CPU table: 64, where the machine is busy and where the targets are set. */
const CPU_CONCURRENCY = 64;

function renderCpu(cells: readonly Cell[]): string {
  const busy = cells.filter(({ scenario }) => scenario.concurrency === CPU_CONCURRENCY);
  if (busy.length === 0) return "";
  const parts = ["gateway", "orders", "catalog", "cities", "PostgreSQL", GENERATOR];
  const rows = busy.flatMap(({ scenario, runs }) =>
    SYSTEM_IDS.map((id) => {
      const ms = (part: string) => over(runs[id], ({ cpuMsByPart }) => cpuMsByPart.get(part) ?? 0);
      const total = sum(parts.map(ms));
      return [
        `${kindOf(scenario.cities)}, ${scenario.products}`,
        LABELS[id],
        ...parts.map((part) => (ms(part) === 0 ? "" : rounded(ms(part)))),
        rounded(total),
        Number.isFinite(total) ? `${Math.round((ms(GENERATOR) / total) * 100)} %` : "–",
        rounded(over(runs[id], ({ flushes }) => flushes)),
        rounded(over(runs[id], ({ walBytes }) => walBytes) / 1_000),
      ];
    }),
  );
  const head = ["orders", "system", ...parts, "all", "generator's share", "WAL flushes", "WAL, kB"];
  return `### CPU milliseconds of an order, ${CPU_CONCURRENCY} at a time\n\n${table(head, rows)}`;
}

function renderProfiles({ scenario, services }: Profiles): string {
  const shares = (list: readonly Share[]) =>
    list.map(({ name, share }) => `${name} ${(share * 100).toFixed(1)} %`).join(", ");
  const rows = services.map(({ service, packages, functions }) => [
    service,
    shares(packages),
    shares(functions),
  ]);
  const head = ["service", "self time by package", "by function"];
  return `### Where the services' time goes: ${scenario}\n\n${table(head, rows)}`;
}

/** A number with three significant digits. */
function rounded(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function ratio(value: number): string {
  return Number.isFinite(value) ? `${rounded(value)} ×` : "–";
}
