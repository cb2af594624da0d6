/** What the parts of the report share. */
import { availableParallelism, cpus, loadavg } from "node:os";
import { table } from "../gateway/market-report.ts";
import { PINS } from "../gateway/pinned-process.ts";
import { median } from "../statistics.ts";
import type { Options } from "./options.ts";
import type { ReadsRun } from "./run-reads.ts";

/** The paragraph that says how the figures were measured. */
export function renderHead({ rounds, measureMs }: Options, args: readonly string[], redis: boolean): string {
  const command = ["npm run bench:reads", ...(args.length > 0 ? ["--", ...args] : [])].join(" ");
  const pinned = PINS
    ? "one core for the gateway and one for the clients; services share both"
    : "not pinned";
  const lines = [
    `\`${command}\` on ${availableParallelism()} cores (${cpus()[0]?.model.trim()}; ${pinned}), Node ${process.versions.node}: ` +
      `medians of ${rounds} ${rounds === 1 ? "round" : "rounds"} of ${measureMs / 1_000} s. ` +
      `The machine's load at the start was ${loadavg()[0]!.toFixed(1)}.`,
  ];
  if (!redis) lines.push(`**Nothing is measured with Redis: ${NO_REDIS}.**`);
  return lines.join("\n\n");
}

export const NO_REDIS = "there is no redis-server of version 7 or later on this machine";

export const over = (runs: readonly ReadsRun[], value: (run: ReadsRun) => number) => median(runs.map(value));

/** Rows of a base and what is compared with it. */
export interface Row {
  what: string;
  base: number;
  other: number;
  /** Whether more is better: then the ratio is other ÷ base, else base ÷ other. */
  moreIsBetter: boolean;
}

/** A ratio above 1 is better than the base. */
export function renderRows(names: readonly [string, string], rows: readonly Row[]): string {
  return table(
    ["", ...names, "better by"],
    rows.map(({ what, base, other, moreIsBetter }) => {
      const ratio = moreIsBetter ? other / base : base / other;
      return [what, rounded(base), rounded(other), `${rounded(ratio)} ×`];
    }),
  );
}

/** A number with three significant digits. */
export function rounded(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
