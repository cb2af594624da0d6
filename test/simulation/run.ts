/** One run: a world drawn from a seed, its faults, its healing, and what must hold. */
import { createRandom, type Random } from "../harness/random.ts";
import { Client, type ClientMeans } from "./clients.ts";
import { drawHabits, type Habits } from "./habits.ts";
import { buyAndCancel } from "./last-orders.ts";
import { CITY_IDS, clientsOf, PRODUCTS } from "./shop.ts";
import { ShopWorld } from "./shop-world.ts";
import type { Stage } from "./stage.ts";
import { drawFaults } from "./swarm.ts";
import { promise } from "./violation.ts";

export interface RunResult {
  seed: number;
  /** What was broken; null if nothing was. */
  violation: string | null;
  /** Of the history. */
  digest: string;
  kills: number;
  committed: number;
  writes: number;
  /** How often what happened that must happen now and then. */
  reached: Readonly<Record<string, number>>;
  history: readonly string[];
}

/** The faults end after this time, whether the clients have done what they wanted or not. */
const WILD_MS = 40_000;
/**
 * A minute until the first question whatever the clocks say, then waits of 5 s at most; a slow clock
 * stretches them.
 */
const HEALING_MS = 240_000;

/**
 * What a client has asked for may still be under way: a late message takes 20 s, its second copy twice as
 * long, and a service 5 s. An order that such a one places would take what the last orders count on.
 */
const STRAGGLERS_MS = 50_000;

export async function runSeed(stage: Stage, seed: number): Promise<RunResult> {
  const random = createRandom(seed);
  const shop = new ShopWorld(stage, random, drawFaults(random.fork("faults")));
  const { world, watch } = shop;
  const stray = (error: unknown) => world.fail(error);
  process.on("unhandledRejection", stray);
  const violation = await violationOf(() => live(shop, random));
  process.off("unhandledRejection", stray);
  await shop.countBranches();
  if (violation !== null) world.note("world", `VIOLATION: ${violation}`);
  return {
    seed,
    violation,
    digest: world.history.digest(),
    kills: [...shop.processes.values()].reduce((sum, { kills }) => sum + kills, 0),
    committed: watch.model.committed.size,
    writes: watch.writes,
    reached: world.reached,
    history: world.history.lines,
  };
}

/**
 * Anything that is thrown is a violation: a fault of a service as well as a broken promise. Faults of the
 * database are coded.
 */
async function violationOf(run: () => Promise<void>): Promise<string | null> {
  try {
    await run();
    return null;
  } catch (error) {
    const { name, message, stack } = error as Error;
    return name === "Violation" ? message : String(stack);
  }
}

/** @throws Violation */
async function live(shop: ShopWorld, random: Random): Promise<void> {
  const { world, watch } = shop;
  world.note("world", `faults ${JSON.stringify(shop.faults)}`);
  const habits = drawHabits(random.fork("habits"));
  world.note("world", `habits ${JSON.stringify(habits)}`);
  const operations = habits.operations * habits.hands * habits.homes.flatMap(clientsOf).length;
  for (const size of [30, 100]) {
    if (operations >= size) world.reach(`a run of ${size} operations or more`);
  }
  if (shop.faults.isCalm && shop.faults.clockOffsetMs > 10_000)
    world.reach("a calm run with clocks apart by more than a lease");
  const stock = random.fork("stock");
  const level = () => habits.unit * stock.pick(habits.levels);
  const seedOf = (cityId: string) => {
    const isEmpty = habits.isHomeEmpty && habits.homes.includes(cityId);
    const levels = PRODUCTS.map((id): [string, number] => [id, isEmpty ? 0 : level()]);
    return { clients: clientsOf(cityId), stock: levels };
  };
  await shop.open(new Map(CITY_IDS.map((id) => [id, seedOf(id)])));
  watch.isCalm = shop.faults.isCalm;
  shop.scheduleCuts(WILD_MS);
  scheduleNewPrices(shop, random.fork("prices"));
  let open = startClients(shop, habits, random);
  for (const client of open) {
    client.then(
      () => (open = open.filter((other) => other !== client)),
      (error) => world.fail(error),
    );
  }
  await world.runUntil(() => open.length === 0, WILD_MS);
  await shop.checkInvariants();
  shop.heal();
  await world.runUntil(() => open.length === 0, HEALING_MS);
  promise(open.length === 0, () => "a client waits for ever");
  await world.runUntil(() => false, STRAGGLERS_MS);
  const rests = await world.runUntil(() => watch.isAtRest, HEALING_MS);
  promise(rests, () => `does not come to rest: ${watch.unfinished()}`);
  watch.checkAtRest();
  await buyAndCancel(shop, random.fork("last orders"));
  await shop.checkInvariants();
  await shop.checkMirrors();
}

function startClients(shop: ShopWorld, habits: Habits, random: Random): Promise<void>[] {
  const orderIds: string[] = [];
  const hands = Array.from({ length: habits.hands }, (_, index) => index + 1);
  return habits.homes
    .flatMap(clientsOf)
    .flatMap((id) =>
      hands.map((hand) =>
        new Client(id, hand, habits, meansOf(`${id} ${hand}`, orderIds, shop, random)).run(),
      ),
    );
}

function meansOf(host: string, orderIds: string[], shop: ShopWorld, random: Random): ClientMeans {
  const { promises, catalog, watch } = shop;
  const refuse = () => Promise.reject(new Error("nobody asks a client"));
  const { life } = shop.add(host, { isClient: true, boot: () => refuse });
  return {
    life: life!,
    send: shop.network.sender(life!),
    random: random.fork(`client ${host}`),
    model: watch.model,
    promises,
    catalog,
    orderIds,
    hostsOf: (cityId) => shop.hostsOf(cityId),
    isCalm: shop.faults.isCalm,
  };
}

function scheduleNewPrices(shop: ShopWorld, random: Random): void {
  const { world, catalog } = shop;
  const changes = random.between(0, 4);
  for (let count = 0; count < changes; count++) {
    world.schedule(random.next() * WILD_MS, () => {
      if (!shop.isHealed) world.note("catalog", catalog.changePrice(random));
    });
  }
}
