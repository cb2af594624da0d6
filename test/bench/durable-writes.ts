/**
 * Counts the durable writes of an order in two ways, with one order at a time.
 *
 * In a row before the answer: every flush of the write-ahead log is slowed by FLUSH_DELAY_MS
 * (`commit_delay`), in all cities. An order whose answer waits for k successive flushes is then answered k
 * delays later, whatever runs beside it. So k is the change of the median latency divided by the delay. This
 * measures the cause, and needs no knowledge of the protocol under test.
 *
 * In all: the flushes that the servers count for their sessions (pg_stat_io), flushes after the answer
 * included.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Run, type RunOptions, readWal, runLoad } from "./run-load.ts";
import { CITY_COUNTS } from "./scenarios.ts";
import { type Shop, untilSettled } from "./shop.ts";
import { SYSTEM_IDS, type SystemId, type Systems } from "./systems.ts";

/** The largest value that PostgreSQL accepts; large against other variations of the latency. */
const FLUSH_DELAY_MS = 100;
/**
 * Flushes of one server wait for each other, so those after an order's answer must be over before the next
 * order.
 */
const PAUSED = { warmUpMs: 1_000, measureMs: 8_000, pauseMs: 300 };
/** An idle session reports its counts within 10 s. */
const COUNTS_ARRIVE_MS = 11_000;

export interface DurableWrites {
  system: SystemId;
  cities: number;
  /** Successive flushes before the client has its answer. */
  inARow: number;
  /** All flushes, also those after the answer. */
  inAll: number;
}

/** @param signal aborts between two runs */
export async function measureDurableWrites(
  systems: Systems,
  options: Pick<RunOptions, "seed" | "measureMs" | "warmUpMs">,
  shop: Shop,
  signal: AbortSignal,
): Promise<DurableWrites[]> {
  const kinds = CITY_COUNTS.flatMap((cities) => SYSTEM_IDS.map((system) => ({ system, cities })));
  const run = async (
    { system, cities }: (typeof kinds)[number],
    load: Pick<RunOptions, "measureMs" | "warmUpMs" | "pauseMs">,
  ): Promise<Run> => {
    signal.throwIfAborted();
    const scenario = { cities, products: "spread" as const, concurrency: 1 };
    const result = await runLoad(
      { ...load, seed: options.seed, system: systems.byId[system], scenario },
      shop,
    );
    await untilSettled(shop);
    return result;
  };

  const inAll: number[] = [];
  let before = await readCounts(shop);
  for (const kind of kinds) {
    const { placedInAll } = await run(kind, options);
    const after = await readCounts(shop);
    inAll.push((after - before) / placedInAll);
    before = after;
  }
  const inARow: number[] = [];
  try {
    for (const kind of kinds) {
      const plain = await run(kind, PAUSED);
      await delayFlushes(FLUSH_DELAY_MS, shop);
      const delayed = await run(kind, PAUSED);
      await delayFlushes(0, shop);
      inARow.push((delayed.medianMs - plain.medianMs) / FLUSH_DELAY_MS);
    }
  } finally {
    await delayFlushes(0, shop);
  }
  return kinds.map((kind, index) => ({ ...kind, inARow: inARow[index]!, inAll: inAll[index]! }));
}

/** The flushes of all sessions up to now. */
async function readCounts(shop: Shop): Promise<number> {
  await sleep(COUNTS_ARRIVE_MS);
  return (await readWal(shop)).flushes;
}

async function delayFlushes(delayMs: number, { sql }: Shop): Promise<void> {
  for (const database of sql.values()) {
    await database.unsafe(`alter system set commit_delay = ${delayMs * 1_000}`);
    await database.unsafe("alter system set commit_siblings = 0");
    await database`select pg_reload_conf()`;
  }
}
