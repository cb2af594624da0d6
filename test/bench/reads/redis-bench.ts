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
/** In each round. Both of a pair are short, so that the machine is as busy for one as for the other. */
const PAIRS = 5;
const RUN_MS = 1_000;

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
  const short = { ...bench, options: { ...options, measureMs: Math.min(RUN_MS, options.measureMs) } };
  const inPairs = () => inTurns(load, short, PAIRS * options.rounds);
  const row = (what: string, pairs: Pair[]) => rows.push([what, ...cellsOf(pairs)]);
  row("Redis is there", await inPairs());
  const [without] = await inTurns(load, bench, 1);
  const kill = sleep(options.warmUpMs + options.measureMs / 2).then(() => redis.kill());
  say("Redis is killed in the middle of the next run");
  const killed = await runReads("shared", load, bench);
  await kill;
  row("it is killed in the middle", [{ cached: without!.cached, shared: killed }]);
  row("it is gone", await inPairs());
  const names = [
    "",
    "without Redis, reads/s",
    "with it, reads/s",
    "ratio",
    "ratio of the gateways' CPU time a read",
    "p99 without, ms",
    "p99 with, ms",
    "failed",
  ];
  const about = `The mix, ${CLIENTS} clients, one gateway each. Medians of ${PAIRS * options.rounds} pairs of runs of a second, one after the other; of one pair where Redis is killed.`;
  return [head, table(names, rows), about].join("\n\n");
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
    of(({ cached, shared }) => shared.gatewayCpuMs / cached.gatewayCpuMs),
    of(({ cached }) => cached.p99Ms),
    of(({ shared }) => shared.p99Ms),
    String(sum(pairs.flatMap(({ shared }) => Object.values(shared.failures)))),
  ];
}
