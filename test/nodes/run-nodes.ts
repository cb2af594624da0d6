/** Writes at all nodes of a catalog while everything breaks, then lets them come to rest. */
import { setTimeout as delay } from "node:timers/promises";
import { AcknowledgedEdits } from "../harness/acknowledged-edits.ts";
import { CatalogNodes } from "../harness/catalog-nodes.ts";
import { createRandom, type Random } from "../harness/random.ts";

interface Run {
  minutes: number;
  nodes: number;
  seed: string;
  say: (line: string) => void;
}

const NAMES = ["dakar", "thies", "saint-louis", "ziguinchor", "kaolack"];
const PRODUCTS = 100;
const WRITE_EVERY_MS = 50;
/** Of a row in the log; few, so that much leaves it. */
const KEPT = 10;
const REST_MS = 300_000;

/** @throws if the nodes differ for minutes after the last fault */
export async function runNodes({ minutes, nodes: count, seed, say }: Run) {
  const nodes = new CatalogNodes();
  try {
    const names = NAMES.slice(0, count);
    const acknowledged = new AcknowledgedEdits(nodes);
    const ids = await startAll(nodes, names, acknowledged);
    const random = createRandom(seed);
    const endMs = performance.now() + minutes * 60_000;
    const isOver = () => performance.now() >= endMs;
    const writers = names.map((name) => write(acknowledged, name, ids, random.fork(name), isOver));
    const faults = await breakThings(nodes, names, random, isOver, say);
    const failed = (await Promise.all(writers)).reduce((sum, each) => sum + each, 0);
    const restedMs = await rest(nodes);
    const [told] = await nodes.sql(names[0]!)<{ conflicts: number; operations: number }[]>`
      select (select count(*)::int from conflict) as conflicts,
        (select count(*)::int from operation) as operations`;
    return {
      "edits acknowledged": acknowledged.count,
      "edits failed": failed,
      "links cut": faults.cuts,
      "servers killed": faults.kills,
      "ms until all nodes were equal": Math.round(restedMs),
      conflicts: told!.conflicts,
      "operations in the log": told!.operations,
      "operations that have left it": await acknowledged.countLeft(),
      missing: await acknowledged.missing(),
    };
  } finally {
    await nodes.close();
  }
}

async function startAll(
  nodes: CatalogNodes,
  names: readonly string[],
  acknowledged: AcknowledgedEdits,
): Promise<string[]> {
  let ids: string[] = [];
  for (const name of names) {
    await nodes.start(name);
    await nodes.connect();
    await nodes.get(name).manager.joined;
    if (ids.length === 0) {
      const made = await nodes.sql(name)<{ id: string }[]>`
        insert into product (name, description, price)
        select 'Tissu ' || n, '', 100 from generate_series(1, ${PRODUCTS}::int) as n returning id`;
      ids = made.map(({ id }) => id);
    }
    await acknowledged.compact(name, KEPT);
  }
  return ids;
}

/** @returns how many edits have failed: those were not acknowledged */
async function write(
  acknowledged: AcknowledgedEdits,
  node: string,
  ids: readonly string[],
  random: Random,
  isOver: () => boolean,
): Promise<number> {
  let failed = 0;
  while (!isOver()) {
    // A new price each time: an edit that changes nothing is no operation.
    await acknowledged.edit(node, random.pick(ids), random.between(1, 1_000_000_000)).catch(() => {
      failed++;
    });
    await delay(WRITE_EVERY_MS);
  }
  return failed;
}

/** One fault after the other: a link is cut for a while, or a server is killed and starts again. */
async function breakThings(
  nodes: CatalogNodes,
  names: readonly string[],
  random: Random,
  isOver: () => boolean,
  say: (line: string) => void,
) {
  const counts = { cuts: 0, kills: 0 };
  while (!isOver()) {
    await delay(random.between(1_000, 8_000));
    const one = random.pick(names);
    const other = random.pick(names.filter((name) => name !== one));
    if (random.next() < 0.4) {
      await nodes.kill(one);
      counts.kills++;
      say(`${one} was killed`);
      continue;
    }
    nodes.set(one, other, "refusing");
    counts.cuts++;
    say(`${one} and ${other} are cut off from each other`);
    await delay(random.between(500, 10_000));
    if (random.next() < 0.3) {
      await nodes.kill(one);
      counts.kills++;
      say(`${one} was killed meanwhile`);
    }
    nodes.set(one, other, "open");
  }
  return counts;
}

async function rest(nodes: CatalogNodes): Promise<number> {
  const startedMs = performance.now();
  await nodes.untilEqual(undefined, REST_MS);
  return performance.now() - startedMs;
}
