/** 1,000 requests at once for an entry that has just become outdated: how many reach the database. */
import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { table } from "../gateway/market-report.ts";
import { median } from "../statistics.ts";
import { bodyOf, productBody } from "./operations.ts";
import type { GatewayName } from "./reads-cluster.ts";
import { NO_REDIS, rounded } from "./report.ts";
import { type Bench, changeProduct, checkAnswers, send } from "./run-reads.ts";
import { readsProducts, statementsDuring } from "./statement-log.ts";

const REQUESTS = 1_000;
/** No other experiment's reads need it more than once in a while. */
const PRODUCT_ID = "150";
/** All gateways have heard of a change by then, and what a change outdates is fetched anew by nobody. */
const HEARD_MS = 600;

const TYPENAME = bodyOf("{ __typename }", {});

const CASES: readonly { name: string; gateways: readonly GatewayName[]; needsRedis: boolean }[] = [
  { name: "not cached", gateways: ["uncached"], needsRedis: false },
  { name: "one gateway", gateways: ["cached"], needsRedis: false },
  { name: "two gateways without Redis", gateways: ["cached", "cached-2"], needsRedis: false },
  { name: "two gateways with Redis", gateways: ["shared", "shared-2"], needsRedis: true },
];

export async function measureStampede(bench: Bench): Promise<string> {
  const rows: string[][] = [];
  for (const { name, gateways, needsRedis } of CASES) {
    if (needsRedis && !bench.cluster.redis) {
      rows.push([name, "–", "–", NO_REDIS]);
      continue;
    }
    const counts: number[] = [];
    const slowestMs: number[] = [];
    let failures = 0;
    for (let round = 0; round < bench.options.stampedes; round++) {
      const { queries, ms, failed } = await stampede(gateways, bench);
      counts.push(queries);
      slowestMs.push(ms);
      failures += failed;
      bench.say(
        `${REQUESTS} requests at once, ${name}: ${queries} queries, the last answer after ${rounded(ms)} ms`,
      );
    }
    rows.push([
      name,
      [...new Set(counts)].sort((a, b) => a - b).join(", "),
      rounded(median(slowestMs)),
      String(failures),
    ]);
  }
  const head = ["", "queries of the product", "the last answer after, ms", "not answered"];
  return [`### ${REQUESTS} requests at once for an outdated entry`, table(head, rows)].join("\n\n");
}

async function stampede(gateways: readonly GatewayName[], { cluster, signal }: Bench) {
  signal.throwIfAborted();
  const pools = await Promise.all(
    gateways.map(async (name) => {
      const { origin } = new URL((await cluster.gateway(name)).url);
      return new Pool(origin, { connections: REQUESTS / gateways.length, pipelining: 1 });
    }),
  );
  /** @returns how many were not answered */
  const all = async (body: string): Promise<number> => {
    const requests = Array.from({ length: REQUESTS }, (_, index) => send(pools[index % pools.length]!, body));
    const results = await Promise.allSettled(requests);
    return results.filter(({ status }) => status === "rejected").length;
  };
  try {
    // The gateway learns the operations, all connections are opened, and the entry is kept.
    for (const name of gateways) await checkAnswers([TYPENAME, productBody(PRODUCT_ID)], name, cluster);
    await all(TYPENAME);
    await all(productBody(PRODUCT_ID));
    await changeProduct(cluster, PRODUCT_ID);
    await sleep(HEARD_MS);
    let [ms, failed] = [0, 0];
    const statements = await statementsDuring(cluster, async () => {
      const beganMs = performance.now();
      failed = await all(productBody(PRODUCT_ID));
      ms = performance.now() - beganMs;
    });
    return { queries: statements.filter(readsProducts).length, ms, failed };
  } finally {
    await Promise.all(pools.map((pool) => pool.destroy()));
  }
}
