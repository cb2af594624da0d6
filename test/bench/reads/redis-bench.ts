/** Throughput with Redis, without, and when it is gone: Redis must never cost. */
import { setTimeout as sleep } from "node:timers/promises";
import { table } from "../gateway/market-report.ts";
import { median, sum } from "../statistics.ts";
import { mixedBodies } from "./operations.ts";
import type { GatewayName } from "./reads-cluster.ts";
import { NO_REDIS, rounded } from "./report.ts";
import { type Bench, checkAnswers, type ReadsRun, runReads } from "./run-reads.ts";

const CONTESTANTS = ["cached", "shared"] as const satisfies GatewayName[];
const CLIENTS = 32;

export async function measureRedis(bench: Bench): Promise<string> {
  const head = "### Redis there, and gone";
  const { cluster, options, say } = bench;
  const { redis } = cluster;
  if (!redis) return `${head}\n\nNot measured: ${NO_REDIS}.`;
  const load = { name: "the mix", bodies: mixedBodies(), connections: CLIENTS, writes: "psql" as const };
  for (const gateway of CONTESTANTS) {
    await checkAnswers(load.bodies, gateway, cluster);
    await runReads(gateway, load, bench);
  }
  const rows: string[][] = [];
  const row = (what: string, pairs: Pair[]) => rows.push([what, ...cellsOf(pairs)]);
  row("Redis is there", await inTurns(load, bench, options.rounds));
  const [without] = await inTurns(load, bench, 1);
  const kill = sleep(options.warmUpMs + options.measureMs / 2).then(() => redis.kill());
  say("Redis is killed in the middle of the next run");
  const killed = await runReads("shared", load, bench);
  await kill;
  row("it is killed in the middle", [{ cached: without!.cached, shared: killed }]);
  row("it is gone", await inTurns(load, bench, options.rounds));
  const names = [
    "",
    "without Redis, reads/s",
    "with it, reads/s",
    "ratio",
    "p99 without, ms",
    "p99 with, ms",
    "failed",
  ];
  return [head, table(names, rows), `The mix, ${CLIENTS} clients, one gateway each.`].join("\n\n");
}

type Pair = Record<(typeof CONTESTANTS)[number], ReadsRun>;

async function inTurns(load: Parameters<typeof runReads>[1], bench: Bench, rounds: number): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let round = 0; round < rounds; round++) {
    const pair: Partial<Pair> = {};
    for (const gateway of round % 2 === 0 ? CONTESTANTS : CONTESTANTS.toReversed())
      pair[gateway] = await runReads(gateway, load, bench);
    pairs.push(pair as Pair);
  }
  return pairs;
}

function cellsOf(pairs: readonly Pair[]): string[] {
  const of = (value: (pair: Pair) => number) => rounded(median(pairs.map(value)));
  return [
    of(({ cached }) => cached.requestsPerS),
    of(({ shared }) => shared.requestsPerS),
    of(({ cached, shared }) => shared.requestsPerS / cached.requestsPerS),
    of(({ cached }) => cached.p99Ms),
    of(({ shared }) => shared.p99Ms),
    String(sum(pairs.flatMap(({ shared }) => Object.values(shared.failures)))),
  ];
}
