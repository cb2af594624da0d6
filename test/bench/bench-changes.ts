/**
 * `npm run bench:changes`: what it costs a writer that changes are recorded, and how long a change stays
 * unknown to gateways, without Redis. One catalog over one durable PostgreSQL.
 */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startCatalog } from "@teranga/catalog/service.ts";
import { ChangeFeed } from "@teranga/gateway/cache/feed/change-feed.ts";
import { topologyText } from "@teranga/infra/cities.ts";
import { startPostgres } from "@teranga/infra/postgres.ts";
import { removeDataDirectory } from "@teranga/infra/postgres-data.ts";
import { createChangesClient } from "@teranga/kit/outbox/changes-client.ts";
import { openDatabase, type Sql } from "@teranga/kit/postgres/database.ts";
import { runMain } from "@teranga/kit/process/config.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { parseTopology } from "@teranga/kit/topology/topology.ts";
import { median, percentile } from "./statistics.ts";

const PRODUCTS = 50;
/** Writes with and without a record are interleaved: the machine is another one from second to second. */
const ROUNDS = 20;
const WRITES = { 1: 100, 8: 50 } as const;
const CHANGES = 1_000;
const PAUSE_MS = 15;
const GATEWAYS = 2;
const CREDENTIAL = "credential-of-the-benchmark";

const log = createLogger("bench", "silent");
const say = (line: string) => process.stdout.write(`${line}\n`);
const usage = {
  command: "npm run bench:changes",
  about: "Measures what recording changes costs a writer, and how long gateways do not know of a change.",
};

await runMain(usage, async () => {
  const directory = await mkdtemp(join(tmpdir(), "teranga-bench-changes-"));
  const postgres = await startPostgres({ directory, port: 0, password: "bench", log });
  try {
    const databaseUrl = await postgres.ensureDatabase("catalog");
    const psql = openDatabase({ url: databaseUrl, applicationName: "psql", connections: 8 });
    const topology = parseTopology(topologyText(() => "http://127.0.0.1:9/graphql"));
    const catalog = await startCatalog({ databaseUrl, topology, credential: CREDENTIAL, port: 0, log });
    await psql.sql`
      insert into product (id, name, description, price)
      select n, 'Product ' || n, repeat('What it is. ', 20), 1000 from generate_series(1, ${PRODUCTS}) as n`;
    for (const writers of [1, 8] as const) await measureCost(psql.sql, writers);
    await measureDelay(psql.sql, catalog.url);
    await catalog.close();
    await psql.close();
  } finally {
    await postgres.stop();
    await removeDataDirectory(directory);
  }
});

function update(sql: Sql, id: number) {
  return sql`update product set price = price % 1000 + 1 where id = ${String(id)}`;
}

async function measureCost(sql: Sql, writers: keyof typeof WRITES): Promise<void> {
  const count = WRITES[writers];
  /** Milliseconds a write, of each round. */
  const measured = { enable: [] as number[], disable: [] as number[] };
  const ratios: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    for (const trigger of ["enable", "disable"] as const) {
      await sql.unsafe(`alter table product ${trigger} trigger outbox_update`);
      const beganMs = performance.now();
      const write = async (writer: number) => {
        for (let number = 0; number < count; number++)
          await update(sql, ((writer * 7 + number) % PRODUCTS) + 1);
      };
      await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
      // The first round warms up.
      if (round > 0) measured[trigger].push((performance.now() - beganMs) / count);
    }
    if (round > 0) ratios.push(measured.enable.at(-1)! / measured.disable.at(-1)!);
  }
  await sql`alter table product enable trigger outbox_update`;
  const [with_, without] = [median(measured.enable), median(measured.disable)].map((ms) => ms.toFixed(2));
  say(
    `${writers} at a time: an update takes ${with_} ms with its record, ${without} ms without, ` +
      `${median(ratios).toFixed(2)} times as long (median of ${ROUNDS} pairs of rounds)`,
  );
}

/** From the moment when the writer knows of its commit until the last gateway does not use what it keeps. */
async function measureDelay(sql: Sql, url: string): Promise<void> {
  const { get, close } = createChangesClient(CREDENTIAL);
  const told = new Map<string, { count: number; resolve: () => void }>();
  const heard = (tag: string) => {
    const wait = told.get(tag);
    if (wait && ++wait.count === GATEWAYS) wait.resolve();
  };
  const feeds = Array.from({ length: GATEWAYS }, () => {
    const cache = {
      invalidate: (_place: string, [tag]: readonly string[]) => heard(tag!),
      dropPlace: () => {},
      confirm: () => {},
    };
    const feed = new ChangeFeed({ get, cache, log, nowMs: () => performance.now() });
    feed.setTopology(parseTopology(`subgraphs: { catalog: { replicas: ["${url}"] } }`));
    feed.follow("catalog");
    return feed;
  });
  while (!feeds.every((feed) => feed.mayServe("catalog"))) await sleep(10);
  const delaysMs: number[] = [];
  for (let number = 0; number < CHANGES; number++) {
    const id = (number % PRODUCTS) + 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    told.set(`Product:${id}`, { count: 0, resolve });
    await update(sql, id);
    const committedMs = performance.now();
    await promise;
    delaysMs.push(Math.max(0, performance.now() - committedMs));
    await sleep(PAUSE_MS * Math.random() * 2);
  }
  await Promise.all(feeds.map((feed) => feed.close()));
  await close();
  const [half, most, all] = [0.5, 0.99, 1].map((share) => percentile(delaysMs, share).toFixed(1));
  say(
    `${CHANGES} changes by psql, ${GATEWAYS} gateways: from the commit until the last one knows ` +
      `${half} ms (p50), ${most} ms (p99), ${all} ms (most)`,
  );
}
