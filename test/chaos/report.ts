/** The report of a run of chaos, for people. */
import type { Operation } from "../history/operations.ts";
import type { FaultRecord } from "./fault-schedule.ts";
import type { Quantiles } from "./in-doubt.ts";
import type { ChaosReport } from "./run-chaos.ts";

const VIOLATIONS_SHOWN_MAX = 20;

export function reportText(report: ChaosReport): string {
  const { faults, operations, inDoubt, logs, unclear, violations } = report;
  const kills = faults.filter(({ fault }) => fault.kind.startsWith("kill"));
  const rest = faults.filter(({ fault }) => !fault.kind.startsWith("kill"));
  return [
    `Chaos, seed ${report.seed}`,
    `  kills                 ${kills.length}: ${counts(kills.map(killOf))}`,
    `  other faults          ${rest.length}: ${counts(rest.map(({ fault }) => fault.kind))}`,
    `  requests              ${operations.length}, sent ${sum(operations.map(({ tries }) => tries))} times`,
    ...answers(operations).map(([kind, line]) => `    ${kind.padEnd(19)} ${line}`),
    `  answers that told nothing, on the way: ${counts([...unclear].flatMap(([why, n]) => Array(n).fill(why)))}`,
    `  put in one order      ${report.commits} commits; ${report.reads} reads checked against it`,
    `  prepared stock held until decided, while the cities it needs were up:`,
    `    all                 ${quantiles(inDoubt.all)}`,
    `    left by everybody   ${quantiles(inDoubt.asked)}`,
    `    with the outages    ${quantiles(inDoubt.askedWithOutages)}`,
    `  at rest               ${Math.round(report.restAfterMs)} ms after the last fault`,
    `  deadlocks and serialization failures: ${logs.lostTransactions.length} seen by clients, ${logs.conflicts} by servers`,
    `  errors in the logs${logs.errors.size === 0 ? "    none" : ""}`,
    ...[...logs.errors].sort(([, a], [, b]) => b - a).map(([what, count]) => `    ${count} ${what}`),
    `  violations            ${violations.length}`,
    ...violations.slice(0, VIOLATIONS_SHOWN_MAX).map((line) => `    ${line}`),
    ...(report.evidence === null ? [] : [`  evidence in           ${report.evidence}`]),
    "",
  ].join("\n");
}

/** The kind of a killed process. */
function killOf({ fault }: FaultRecord): string {
  if (fault.kind === "kill-backend") return "PostgreSQL backend";
  if (fault.target.startsWith("postgres-")) return "PostgreSQL server";
  return fault.target.startsWith("orders") ? "orchestrator" : "city service";
}

/** The results of each kind of request. */
function answers(operations: readonly Operation[]): [string, string][] {
  const byKind = Map.groupBy(operations, ({ request }) => request.kind);
  return Array.from(byKind, ([kind, own]) => {
    return [
      kind,
      `${own.length}: ${counts(own.map(({ answer }) => ("why" in answer ? answer.why : answer.kind)))}`,
    ];
  });
}

/** `3 kill, 2 pause`, the most frequent first. */
function counts(words: readonly string[]): string {
  return Array.from(Map.groupBy(words, (word) => word))
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([word, same]) => `${same.length} ${word}`)
    .join(", ");
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

function quantiles({ count, p50Ms, p99Ms, maxMs }: Quantiles): string {
  return `${count}; p50 ${Math.round(p50Ms)} ms, p99 ${Math.round(p99Ms)} ms, max ${Math.round(maxMs)} ms`;
}
