/**
 * `npm run demo:concurrency [-- --buyers N] [--seed S]`: many buyers, one product, several cities. Starts a
 * small cluster of its own, lets all buyers order at once, draws what happened, and counts the pieces. Exit
 * code 1 means that a piece is missing or was made up.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { brokenInvariants, type CityDatabases, countUnfinished } from "@teranga/infra/broken-invariants.ts";
import { runMain } from "@teranga/kit/process/config.ts";
import { readOptions } from "@teranga/kit/process/options.ts";
import { z } from "zod";
import { createRandom } from "../harness/random.ts";
import { startTemporaryCluster, type TemporaryCluster } from "../harness/temporary-cluster.ts";
import { drawBuyers, letBuy, type Purchase } from "./buyers.ts";
import { cityName, drawPieces, readPieces, sum } from "./pieces.ts";
import { type DrawnPurchase, drawTimeline, LEGEND } from "./timeline.ts";
import { readSteps } from "./transactions.ts";

/** The computer of the case study: 20 pieces. */
const PRODUCT = "101";
const WITHIN_MS = 400;
const CLIENTS_OF_A_CITY = 2;
const REST_LIMIT_MS = 20_000;
const REST_LOOK_MS = 50;

const options = z.object({
  buyers: z.coerce.number().int().min(2).max(60).default(20),
  seed: z.string().min(1).default("teranga"),
});

const print = (lines: readonly string[]) => process.stdout.write(`${lines.join("\n")}\n`);

const usage = {
  command: "npm run demo:concurrency",
  about: "Many buyers, one product, several cities: draws what happened, and counts the pieces.",
  options: { "--buyers N": "20 by default.", "--seed S": "Draws other buyers." },
};

await runMain(usage, async () => {
  const { buyers: count, seed } = readOptions(options, process.argv.slice(2));
  print(["Starting a cluster …"]);
  const cluster = await startTemporaryCluster({ logLevel: "info", replicas: {} });
  try {
    const isConserved = await demonstrate(cluster, count, seed);
    process.exitCode = isConserved ? 0 : 1;
  } finally {
    await cluster.close();
  }
});

async function demonstrate(cluster: TemporaryCluster, count: number, seed: string): Promise<boolean> {
  const { url, databases } = cluster;
  const random = createRandom(seed);
  const before = await readPieces(PRODUCT, databases);
  const buyers = drawBuyers(random, count, await readClientIds(databases));
  // The first request of a process is slower than the others, so it is not shown.
  await letBuy(url, PRODUCT, [{ ...buyers[0]!, name: "warm-up", quantity: 10_000 }], random, 0);
  const purchases = await letBuy(url, PRODUCT, buyers, random, WITHIN_MS);
  await untilAtRest(databases);
  const after = await readPieces(PRODUCT, databases);

  const wanted = buyers.reduce((sum, { quantity }) => sum + quantity, 0);
  const supply = sum([...before.values()].map(({ onHand }) => onHand));
  print([
    "",
    `${count} buyers want ${wanted} pieces of product ${PRODUCT}. There are ${supply}, in ${databases.size} cities.`,
    "",
  ]);
  print(drawTimeline(await describe(purchases, databases), await readSteps(cluster)));
  print(["", ...LEGEND, ""]);
  const broken = await brokenInvariants(databases);
  print([...drawPieces(before, after), "", ...broken]);
  const conserved = supply === sum([...after.values()].map(({ onHand, ordered }) => onHand + ordered));
  print([conserved && broken.length === 0 ? "Nothing is lost, nothing is sold twice." : "PIECES ARE WRONG."]);
  return conserved && broken.length === 0;
}

/** Clients of all cities in turn, so that neighbours in the list are in different cities. */
async function readClientIds(databases: CityDatabases): Promise<string[]> {
  const lists: string[][] = [];
  for (const sql of databases.values()) {
    const rows = await sql<{ id: string }[]>`select id from client order by id limit ${CLIENTS_OF_A_CITY}`;
    lists.push(rows.map(({ id }) => id));
  }
  return Array.from({ length: CLIENTS_OF_A_CITY }, (_, turn) => lists.map((list) => list[turn]!)).flat();
}

async function untilAtRest(databases: CityDatabases): Promise<void> {
  const deadlineMs = performance.now() + REST_LIMIT_MS;
  for (const sql of databases.values()) {
    while (Object.values(await countUnfinished(sql)).some((left) => left > 0)) {
      if (performance.now() > deadlineMs) throw new Error(`not at rest within ${REST_LIMIT_MS} ms`);
      await sleep(REST_LOOK_MS);
    }
  }
}

/** Adds to each purchase what each city gave. */
async function describe(purchases: readonly Purchase[], databases: CityDatabases): Promise<DrawnPurchase[]> {
  return Promise.all(
    purchases.map(async (purchase) => {
      const { orderId, buyer } = purchase;
      if (orderId === null) return { purchase, from: "" };
      const rows = await databases.get(buyer.cityId)!<{ city: string; quantity: number }[]>`
        select city_id as city, quantity from order_allocation where order_id = ${orderId} order by quantity desc`;
      const from = rows.map(({ city, quantity }) => `${cityName(city).slice(0, 2)} ${quantity}`).join(" ");
      return { purchase, from };
    }),
  );
}
