/**
 * Concurrent clients of the shop. They send random requests of every kind, and record the answers.
 *
 * A client whose answer is lost sends the request again with the same key, as the documentation tells it to.
 * Now and then a client sends a request twice at once, or again after the answer: the key must give the same
 * answer.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../harness/random.ts";
import { askShop } from "./ask-shop.ts";
import type { Operation, ShopAnswer, ShopRequest } from "./operations.ts";

/** The products and clients of a run: few of each, so that the requests contend. */
export interface ShopWorld {
  cityIds: readonly string[];
  clientIds: readonly string[];
  productIds: readonly string[];
}

export type RequestWeights = Readonly<Record<ShopRequest["kind"], number>>;

/** Many orders, enough restocks to go on selling, and some of every other kind. */
export const USUAL_WEIGHTS: RequestWeights = {
  place: 45,
  cancel: 8,
  transfer: 6,
  topUp: 9,
  restock: 12,
  readWallet: 7,
  readLevel: 7,
  readOrder: 6,
};

export interface ShopClientsOptions {
  url: string;
  random: Random;
  world: ShopWorld;
  weights?: RequestWeights;
  /** The number of concurrent clients. */
  count: number;
  /** The longest pause of a client between two requests. */
  pauseMs: number;
  /** No client begins an operation after this. */
  stop: AbortSignal;
  /** How often a client tries before it gives up for now. */
  triesMax: number;
  /** No client begins more operations than this. */
  operationsMax: number;
}

export interface ShopClients {
  /** All operations, those under way included. */
  operations: readonly Operation[];
  /** Answers to one key that contradict one another; must stay empty. */
  contradictions: readonly string[];
  /** The count of each unclear answer. */
  unclear: ReadonlyMap<string, number>;
  /** Resolves when all clients have stopped. */
  done: Promise<void>;
  /** Repeats every operation of unclear outcome with its key. Call it when the shop is well. Bounded. */
  settle(): Promise<void>;
}

const RETRY_WAIT_MAX_MS = 1_000;
const SETTLE_TRIES_MAX = 20;
const TWICE_PERCENT = 5;

export function startShopClients(options: ShopClientsOptions): ShopClients {
  const { random, stop, count, triesMax, operationsMax } = options;
  const log = createLog(options);

  const runClient = async (name: string) => {
    const chance = random.fork(name);
    for (let number = 1; number <= operationsMax && !stop.aborted; number++) {
      const request = drawRequest(chance, options, log.placedIds, `${name}-${number}`);
      const operation = log.begin(request);
      await log.ask(operation, chance.between(1, 100) <= TWICE_PERCENT);
      for (let tries = 1; tries < triesMax && isUnclear(operation) && !stop.aborted; tries++) {
        await sleep(chance.between(0, RETRY_WAIT_MAX_MS));
        await log.ask(operation, false);
      }
      if (chance.between(1, 100) <= TWICE_PERCENT && "key" in request) await log.ask(operation, false);
      await sleep(chance.between(0, options.pauseMs));
    }
  };
  const names = Array.from({ length: count }, (_, index) => `client-${index + 1}`);
  return {
    operations: log.operations,
    contradictions: log.contradictions,
    unclear: log.unclear,
    done: Promise.all(names.map(runClient)).then(() => undefined),
    async settle() {
      const open = log.operations.filter(needsSettling);
      for (let from = 0; from < open.length; from += count)
        await Promise.all(open.slice(from, from + count).map((operation) => settle(operation, log)));
    },
  };
}

/** Whether a repetition with the same key would tell more. */
function isUnclear({ request, answer }: Operation): boolean {
  return "key" in request && answer.kind === "unknown";
}

function needsSettling(operation: Operation): boolean {
  const { request, answer, wasUnclear } = operation;
  return isUnclear(operation) || ("key" in request && answer.kind === "refused" && wasUnclear);
}

async function settle(operation: Operation, log: ReturnType<typeof createLog>): Promise<void> {
  for (let tries = 0; tries < SETTLE_TRIES_MAX && needsSettling(operation); tries++) {
    await log.ask(operation, false);
    if (operation.answer.kind === "unknown") await sleep(RETRY_WAIT_MAX_MS);
    else operation.wasUnclear = false;
  }
}

/** The record that all clients share. */
function createLog({ url }: ShopClientsOptions) {
  const operations: Operation[] = [];
  const contradictions: string[] = [];
  const unclear = new Map<string, number>();
  const placedIds: string[] = [];

  const note = (operation: Operation, answer: ShopAnswer) => {
    const { request, answer: before } = operation;
    operation.tries += 1;
    if (answer.kind === "unknown") {
      unclear.set(answer.why, (unclear.get(answer.why) ?? 0) + 1);
      operation.wasUnclear = true;
    }
    if (before.kind === "happened") {
      const isSame = answer.kind === "unknown" || (answer.kind === "happened" && answer.id === before.id);
      if (!isSame)
        contradictions.push(`${JSON.stringify(request)}: ${before.id}, later ${JSON.stringify(answer)}`);
      return;
    }
    if (before.kind === "refused" && answer.kind === "unknown") return;
    operation.answer = answer;
    operation.endMs = answer.kind === "unknown" ? Number.POSITIVE_INFINITY : performance.now();
    if (request.kind === "place" && answer.kind === "happened") placedIds.push(answer.id!);
  };
  return {
    operations,
    contradictions,
    unclear,
    placedIds,
    begin(request: ShopRequest): Operation {
      const operation: Operation = {
        request,
        startMs: performance.now(),
        endMs: Number.POSITIVE_INFINITY,
        answer: { kind: "unknown", why: "not asked yet" },
        tries: 0,
        wasUnclear: false,
      };
      operations.push(operation);
      return operation;
    },
    async ask(operation: Operation, isTwice: boolean): Promise<void> {
      const copies = isTwice && "key" in operation.request ? 2 : 1;
      const answers = Array.from({ length: copies }, () => askShop(url, operation.request));
      // Of two requests at once, one may be refused for what the other has taken, or have an unclear answer.
      const given = (await Promise.all(answers)).sort((a, b) => rank(a) - rank(b));
      if (given.length > 1 && given[0]!.kind === "happened" && given[1]!.kind === "refused") given.pop();
      for (const answer of given) note(operation, answer);
    },
  };
}

const RANKS: Readonly<Record<string, number>> = { happened: 0, refused: 1, unknown: 2 };
const rank = ({ kind }: ShopAnswer) => RANKS[kind] ?? 0;

const HOT_PERCENT = 40;
const WALLET_PERCENT = 50;

function drawRequest(
  random: Random,
  { world, weights = USUAL_WEIGHTS }: ShopClientsOptions,
  placedIds: readonly string[],
  key: string,
): ShopRequest {
  const kinds = Object.entries(weights).map(([kind, weight]) => {
    return { item: kind as ShopRequest["kind"], weight };
  });
  const kind = random.pickWeighted(kinds);
  const { cityIds, clientIds, productIds } = world;
  const product = () => (random.between(1, 100) <= HOT_PERCENT ? productIds[0]! : random.pick(productIds));
  const recentOrder = () => placedIds.at(-random.between(1, Math.min(placedIds.length, 50)));
  switch (kind) {
    case "place": {
      const lines = Array.from({ length: random.between(1, 3) }, product);
      const payment = random.between(1, 100) <= WALLET_PERCENT ? "WALLET" : "CASH_ON_DELIVERY";
      return {
        kind,
        clientId: random.pick(clientIds),
        lines: [...new Set(lines)].map((productId) => ({ productId, quantity: random.between(1, 9) })),
        payment: weights.topUp > 0 ? payment : "CASH_ON_DELIVERY",
        key,
      };
    }
    case "transfer": {
      const from = random.pick(cityIds);
      const to = random.pick(cityIds.filter((id) => id !== from));
      return { kind, productId: product(), from, to, quantity: random.between(1, 12), key };
    }
    case "topUp":
      return { kind, clientId: random.pick(clientIds), amount: random.between(1, 4_000_000), key };
    case "readWallet":
      return { kind, clientId: random.pick(clientIds) };
    case "readLevel":
      return { kind, cityId: random.pick(cityIds), productId: product() };
    case "cancel":
    case "readOrder": {
      const orderId = recentOrder();
      if (orderId !== undefined) return kind === "cancel" ? { kind, orderId, key } : { kind, orderId };
      break;
    }
    case "restock":
      break;
    default:
      kind satisfies never;
  }
  const quantity = random.between(1, 60);
  return { kind: "restock", cityId: random.pick(cityIds), productId: product(), quantity, key };
}
