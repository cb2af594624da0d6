/** How long a gateway still answers with what a connection that no service knows of has changed. */
import { setTimeout as sleep } from "node:timers/promises";
import { table } from "../gateway/market-report.ts";
import { ask } from "../gateway/servers.ts";
import { percentile } from "../statistics.ts";
import type { GatewayName, ReadsCluster } from "./reads-cluster.ts";
import { NO_REDIS, rounded } from "./report.ts";
import type { Bench } from "./run-reads.ts";

const PRODUCT_ID = "149";
const QUERY = "query ($id: ID!) { product(id: $id) { price } }";
const PAUSE_MS = 30;
/** Questions without a pause, to four gateways, took both cores, and the change waited for them. */
const ASK_EVERY_MS = 2;
/** A second or two. */
const KEPT_WITHIN_MS = 10_000;

const CASES: readonly { name: string; gateways: GatewayName[]; needsRedis: boolean; aimMs: number }[] = [
  { name: "without Redis", gateways: ["cached", "cached-2"], needsRedis: false, aimMs: 500 },
  { name: "with Redis", gateways: ["shared", "shared-2"], needsRedis: true, aimMs: 100 },
];

export async function measureChanges(bench: Bench): Promise<string> {
  const { cluster, options, say, signal } = bench;
  const cases = CASES.filter(({ needsRedis }) => cluster.redis || !needsRedis);
  const measured = await Promise.all(
    cases.map(async (each) => {
      const urls = await Promise.all(each.gateways.map(async (name) => (await cluster.gateway(name)).url));
      return { ...each, urls, delaysMs: [] as number[] };
    }),
  );
  for (let number = 1; number <= options.changes; number++) {
    signal.throwIfAborted();
    for (const [index, { gateways, urls, delaysMs }] of measured.entries()) {
      const price = 2 * number + index;
      await Promise.all(gateways.map((name) => untilKept(name, cluster)));
      // Otherwise each change would meet the services at the same moment of their rounds.
      await sleep(PAUSE_MS * Math.random() * 2);
      await cluster.psql("catalog")`update product set price = ${price} where id = ${PRODUCT_ID}`;
      const committedMs = performance.now();
      await Promise.all(urls.map((url) => untilPriceIs(url, price)));
      delaysMs.push(performance.now() - committedMs);
    }
  }
  const rows = measured.map(({ name, aimMs, delaysMs }) => {
    const shown = [0.5, 0.99, 1].map((share) => rounded(percentile(delaysMs, share)));
    say(`${options.changes} changes, ${name}: seen after ${shown.join(" / ")} ms (p50, p99, most)`);
    return [name, ...shown, String(aimMs)];
  });
  if (!cluster.redis) rows.push(["with Redis", "–", "–", "–", NO_REDIS]);
  const head = ["", "p50, ms", "p99, ms", "most, ms", "aim at p99, ms"];
  const about = `${options.changes} changes by a connection of its own: from the commit until the last of two gateways shows it. Each entry was kept when it was changed.`;
  return ["### From a commit until no gateway answers with what was before", table(head, rows), about].join(
    "\n\n",
  );
}

const price = async (url: string): Promise<number> => {
  const { text } = await ask(url, QUERY, { id: PRODUCT_ID });
  return JSON.parse(text).data.product.price;
};

async function untilPriceIs(url: string, wanted: number): Promise<void> {
  while ((await price(url)) !== wanted) await sleep(ASK_EVERY_MS);
}

/** Until a read is answered by what is kept: an entry that is not kept would show the change at once. */
async function untilKept(name: GatewayName, cluster: ReadsCluster): Promise<void> {
  const { url } = await cluster.gateway(name);
  const deadlineMs = performance.now() + KEPT_WITHIN_MS;
  for (;;) {
    const before = await cluster.lookups(name);
    await price(url);
    if ((await cluster.lookups(name)).hits > before.hits) return;
    if (performance.now() > deadlineMs) throw new Error(`the gateway "${name}" keeps nothing`);
  }
}
