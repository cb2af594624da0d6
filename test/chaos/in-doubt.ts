/**
 * How long participants were in doubt: from prepare to decision, minus the time in which the home or the
 * participant was down. So this is the protocol's own time once the cities that it needs are up.
 */
import type { CityDatabases } from "@teranga/infra/broken-invariants.ts";
import type { FaultRecord } from "./fault-schedule.ts";
import { downSpans, overlapMs, type Span, union } from "./uptime.ts";

export interface InDoubtTimes {
  /** All prepared transactions. */
  all: Quantiles;
  /** Transactions whose participant had to ask, because no decision came before its deadline. */
  asked: Quantiles;
  /** The same transactions with the outages included, as the shop saw them. */
  askedWithOutages: Quantiles;
}

export interface Quantiles {
  count: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

interface Prepared {
  home: string;
  createdAt: Date;
  decidedAt: Date;
  attempts: number;
}

export async function measureInDoubt(
  databases: CityDatabases,
  notReady: ReadonlyMap<string, readonly Span[]>,
  faults: readonly FaultRecord[],
): Promise<InDoubtTimes> {
  const down = new Map([...databases.keys()].map((city) => [city, downSpans(city, notReady, faults)]));
  const times: { upMs: number; wholeMs: number; isAsked: boolean }[] = [];
  for (const [city, sql] of databases) {
    const rows = await sql<Prepared[]>`
      select home, created_at as "createdAt", decided_at as "decidedAt", attempts from participation p
      where decided_at is not null and exists (select from reservation r where r.transaction_id = p.transaction_id)`;
    for (const { home, createdAt, decidedAt, attempts } of rows) {
      const span = { startMs: createdAt.getTime(), endMs: decidedAt.getTime() };
      const wholeMs = span.endMs - span.startMs;
      const needed = union([...down.get(city)!, ...(down.get(home) ?? [])]);
      times.push({ upMs: wholeMs - overlapMs(span, needed), wholeMs, isAsked: attempts > 0 });
    }
  }
  const asked = times.filter(({ isAsked }) => isAsked);
  return {
    all: quantiles(times.map(({ upMs }) => upMs)),
    asked: quantiles(asked.map(({ upMs }) => upMs)),
    askedWithOutages: quantiles(asked.map(({ wholeMs }) => wholeMs)),
  };
}

function quantiles(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: sorted.at(-1) ?? 0 };
}
