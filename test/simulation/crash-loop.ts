/**
 * Crash after durable step k, for k = 1, 2, 3 … until a run survives uncut (as SQLite tests its commits): a
 * fixed, calm scenario, and one victim that dies right after the k-th write of the whole system, before
 * anybody hears of it.
 */
import { createRandom } from "../harness/random.ts";
import { type Answer, ask } from "./answers.ts";
import { urlOf } from "./network.ts";
import { CANCEL_ORDER, PLACE_ORDER, TOP_UP, TRANSFER_STOCK } from "./operations.ts";
import type { KeyedRequest } from "./promises.ts";
import { CITY_IDS, clientsOf } from "./shop.ts";
import { ShopWorld } from "./shop-world.ts";
import type { Stage } from "./stage.ts";
import { CALM } from "./swarm.ts";
import { promise } from "./violation.ts";

export interface Crash {
  /** The process that dies. */
  victim: string;
  /** Whether it is started again, two seconds later. A city always is: nothing can be finished without it. */
  isRestarted: boolean;
}

const CLIENT = "dakar:1";
/** Each order takes five pieces: three of Dakar, one of Thiès, one of Autres. */
const STOCK: Record<string, number> = { dakar: 3, thies: 1, autres: 1 };
const RESTART_AFTER_MS = 2_000;
const SCENARIO_MS = 60_000;
const REST_MS = 240_000;
/** The scenario writes about twenty times; a loop that gets so far does not end. */
const STEPS_MAX = 200;

/**
 * Crashes after each step in turn. Returns how many steps the scenario has. @throws Violation that names the
 * step
 */
export async function crashAfterEachStep(stage: Stage, crash: Crash): Promise<number> {
  for (let step = 1; step <= STEPS_MAX; step++) {
    try {
      if (!(await runWithCrash(stage, crash, step))) return step - 1;
    } catch (error) {
      const { victim, isRestarted } = crash;
      throw new Error(
        `${victim} (restarted: ${isRestarted}) dies after step ${step}: ${(error as Error).message}`,
        {
          cause: error,
        },
      );
    }
  }
  throw new Error(`the scenario does not end within ${STEPS_MAX} steps`);
}

/** One run. Returns whether the crash happened: whether there was such a step. */
async function runWithCrash(stage: Stage, { victim, isRestarted }: Crash, step: number): Promise<boolean> {
  const shop = new ShopWorld(stage, createRandom("crash"), { ...CALM, ordersRestart: isRestarted });
  const { world, watch } = shop;
  await shop.open(
    new Map(
      CITY_IDS.map((id) => [
        id,
        { clients: clientsOf(id), stock: [["101", STOCK[id]!]] as [string, number][] },
      ]),
    ),
  );
  const process = shop.processes.get(victim)!;
  let isCrashed = false;
  watch.onWrite = () => {
    if (watch.writes !== step) return;
    isCrashed = true;
    process.kill(isRestarted ? RESTART_AFTER_MS : null);
  };
  let isDone = false;
  playScenario(shop).then(
    () => {
      isDone = true;
    },
    (error) => world.fail(error),
  );
  promise(await world.runUntil(() => isDone, SCENARIO_MS), () => "the client waits for ever");
  const rests = await world.runUntil(() => watch.isAtRest, REST_MS);
  promise(rests, () => `does not come to rest: ${watch.unfinished()}`);
  watch.checkAtRest();
  await shop.checkInvariants();
  return isCrashed;
}

/**
 * A client pays an order of three cities from the wallet, cancels it, and has the pieces moved to one city.
 */
async function playScenario(shop: ShopWorld): Promise<void> {
  const refuse = () => Promise.reject(new Error("nobody asks a client"));
  const life = shop.add("client", { isClient: true, boot: () => refuse }).life!;
  const send = shop.network.sender(life);

  const topUp = { clientId: CLIENT, amount: 10_000, idempotencyKey: "top-up" };
  for (let tries = 1; tries <= 5; tries++) {
    const answer = await ask(send, urlOf("dakar"), TOP_UP, { input: topUp });
    if (answer.kind === "result") break;
    await life.delay(1_000);
  }

  /** Sends a request until there is an answer, by the one orchestrator and then by the other. */
  const insist = async (request: KeyedRequest, query: string, input: object): Promise<Answer> => {
    let answer: Answer = { kind: "none", isRefused: true };
    for (let tries = 1; tries <= 6; tries++) {
      const call = shop.promises.begin(request);
      answer = await ask(send, urlOf(tries % 2 === 1 ? "orders-1" : "orders-2"), query, { input });
      shop.promises.end(call, answer);
      if (answer.kind === "result" && answer.type !== "OutcomeUnknown") return answer;
      await life.delay(1_000);
    }
    return answer;
  };

  const lines = [{ productId: "101", quantity: 5 }];
  const order = { clientId: CLIENT, lines, payment: "WALLET", idempotencyKey: "order" };
  const fits = () => true;
  const placed = await insist({ kind: "ORDER", key: "order", clientId: CLIENT, fits }, PLACE_ORDER, order);
  if (placed.kind === "result" && placed.type === "OrderPlaced") {
    const orderId = placed.result.order!.id;
    const cancellation = { orderId, idempotencyKey: "cancellation" };
    await insist({ kind: "CANCELLATION", key: "cancellation", orderId, fits }, CANCEL_ORDER, cancellation);
  }
  const transfer = {
    productId: "101",
    fromCityId: "dakar",
    toCityId: "thies",
    quantity: 2,
    idempotencyKey: "transfer",
  };
  await insist({ kind: "TRANSFER", key: "transfer", fits }, TRANSFER_STOCK, transfer);
}
