/** The experiments on partitions as Markdown. */
import { median } from "../statistics.ts";
import type { CitiesResult } from "./cities-bench.ts";
import type { CountryResults } from "./country-bench.ts";
import { ratio, renderProfiles, rounded, table } from "./market-report.ts";
import type { Run } from "./measure.ts";
import type { SickResult } from "./sick-bench.ts";
import type { SplitResult } from "./split-bench.ts";

export function renderCountry({ cities, split, sick, profiles }: CountryResults): string {
  const parts = [
    cities.length > 0 ? renderCities(cities) : "",
    split.length > 0 ? renderSplit(split) : "",
    sick.length > 0 ? renderSick(sick) : "",
    profiles.length > 0 ? renderProfiles("Where the time of splitting goes", profiles) : "",
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

const of = (runs: readonly Run[], value: (run: Run) => number) => median(runs.map(value));
const rate = ({ streams }: Run) => streams[0]!.requestsPerS;
const p99 = ({ streams }: Run) => streams[0]!.p99Ms;

function renderCities(results: readonly CitiesResult[]): string {
  const [least] = results;
  const cost = (result: CitiesResult) => of(result.runs, ({ cpuMs }) => cpuMs);
  const rows = results.map((result) => [
    result.cities.toLocaleString("en"),
    rounded(of(result.runs, rate)),
    rounded(of(result.runs, p99)),
    cost(result).toFixed(3),
    ratio(cost(result) / cost(least!)),
    rounded(of(result.runs, ({ allocatedBytes }) => allocatedBytes) / 1_000),
    rounded(result.firstTimeMs),
    result.introspectionBytes.toLocaleString("en"),
    rounded(result.composedMs / 1_000),
  ]);
  const head = [
    "cities",
    "requests/s",
    "p99, ms",
    "CPU, ms",
    "÷ the least",
    "allocated, kB",
    "new operation, ms",
    "schema, bytes",
    "start, s",
  ];
  return `### A query that touches one city of many\n\n${table(head, rows)}`;
}

function renderSplit(results: readonly SplitResult[]): string {
  const rows = results.flatMap(({ name, partitioned, plain }) => [
    [
      name,
      "partitioned",
      rounded(of(partitioned, rate)),
      of(partitioned, ({ cpuMs }) => cpuMs).toFixed(3),
      "",
    ],
    [
      "",
      "not partitioned",
      rounded(of(plain, rate)),
      of(plain, ({ cpuMs }) => cpuMs).toFixed(3),
      ratio(of(partitioned, ({ cpuMs }) => cpuMs) / of(plain, ({ cpuMs }) => cpuMs)),
    ],
  ]);
  const head = ["fetch", "subgraph", "requests/s", "CPU, ms", "partitioned ÷ not"];
  return `### What splitting costs\n\n${table(head, rows)}`;
}

function renderSick(results: readonly SickResult[]): string {
  const before = results[0]!.healthy.p99Ms;
  const rows = results.map(({ name, healthy, sick }) => [
    name,
    ...[healthy.p50Ms, healthy.p99Ms].map(rounded),
    ratio(healthy.p99Ms / before),
    ...[sick.p50Ms, sick.p99Ms, sick.maxMs].map(rounded),
    String(sick.answered),
  ]);
  const head = [
    "city 1",
    "others: p50, ms",
    "p99, ms",
    "÷ before",
    "city 1: p50, ms",
    "p99, ms",
    "longest, ms",
    "answers",
  ];
  return `### One city that is sick\n\n${table(head, rows)}`;
}
