/**
 * What must go well when everything is at rest. A shop that refuses everybody would break no promise; and
 * what is done here, a split order from a wallet, an empty shelf, cancellations of one order at the same
 * time, most runs do not come across by themselves.
 */
import type { Send } from "@teranga/kit/http/transport.ts";
import type { Random } from "../harness/random.ts";
import { ask } from "./answers.ts";
import { urlOf } from "./network.ts";
import { CANCEL_ORDER, PLACE_ORDER, TOP_UP } from "./operations.ts";
import { CITY_IDS, ORCHESTRATORS } from "./shop.ts";
import type { ShopWorld } from "./shop-world.ts";
import { promise } from "./violation.ts";

/** As long as a run may take to come to rest (run.ts). */
const WITHIN_MS = 240_000;
/** How many runs go on to an empty shelf and cancel. */
const SELL_OUT = 0.5;

/**
 * Somebody buys a piece that there is, somebody else all that is left in that city, by the other
 * orchestrator; then somebody one, or all that is left of the product in all cities. There the first
 * orchestrator still takes the stock for what it was.
 * @throws Violation
 */
export async function buyAndCancel(shop: ShopWorld, random: Random): Promise<void> {
  const orchestrators = ORCHESTRATORS.filter((host) => shop.processes.get(host)!.life);
  const [first, last] = [orchestrators[0], orchestrators.at(-1)];
  const levels = [...shop.watch.model.stock].filter(([, level]) => level > 0);
  if (!first || !last || levels.length === 0) return;
  const buyer = new Buyer(shop);
  const [name] = random.pick(levels);
  const [cityId, productId] = name.split(" ") as [string, string];
  const here = () => buyer.left([cityId], productId);
  const everywhere = () => buyer.left(CITY_IDS, productId);

  await buyer.buys(first, { cityId, productId, quantity: 1 });
  if (here() > 0) await buyer.buys(last, { cityId, productId, quantity: here() });
  if (everywhere() === 0) return;
  if (random.next() > SELL_OUT) {
    await buyer.buys(first, { cityId, productId, quantity: 1 });
    return;
  }
  const lot = { cityId: random.pick(CITY_IDS), productId, quantity: everywhere() };
  const orderId = await buyer.buysFromWallet(first, lot);
  await buyer.finds(last, { ...lot, quantity: 1 }, "OutOfStock");
  await buyer.cancels([first, first, last], orderId);
  const { cityId: home } = lot;
  promise(everywhere() === lot.quantity, () => `a cancelled order of ${home} leaves ${everywhere()} pieces`);
}

interface Lot {
  /** Whose client buys. */
  cityId: string;
  productId: string;
  quantity: number;
}

class Buyer {
  readonly #shop: ShopWorld;
  readonly #send: Send;

  constructor(shop: ShopWorld) {
    this.#shop = shop;
    const refuse = () => Promise.reject(new Error("nobody asks a client"));
    const { life } = shop.add("buyer", { isClient: true, boot: () => refuse });
    this.#send = shop.network.sender(life!);
  }

  left(cityIds: readonly string[], productId: string): number {
    const { stock } = this.#shop.watch.model;
    return cityIds.reduce((sum, cityId) => sum + (stock.get(`${cityId} ${productId}`) ?? 0), 0);
  }

  async buys(host: string, lot: Lot): Promise<void> {
    await this.#order(host, lot, "CASH_ON_DELIVERY", "OrderPlaced");
  }

  async finds(host: string, lot: Lot, type: string): Promise<void> {
    await this.#order(host, lot, "CASH_ON_DELIVERY", type);
  }

  /** With just enough money. Returns the order's id. */
  async buysFromWallet(host: string, lot: Lot): Promise<string> {
    const { catalog, watch } = this.#shop;
    const clientId = `${lot.cityId}:1`;
    const price = lot.quantity * catalog.priceOf(lot.productId);
    const missing = price - (watch.model.wallets.get(clientId) ?? 0);
    const input = { clientId, amount: missing, idempotencyKey: "last" };
    if (missing > 0) await this.#are([[lot.cityId, TOP_UP, input]], ["WalletToppedUp"]);
    return this.#order(host, lot, "WALLET", "OrderPlaced");
  }

  /** Several times at the same time, each with a key of its own. */
  async cancels(hosts: readonly string[], orderId: string): Promise<void> {
    const asks = hosts.map(
      (host, index): Question => [host, CANCEL_ORDER, { orderId, idempotencyKey: `last ${index}` }],
    );
    const late = Array<string>(hosts.length - 1).fill("OrderAlreadyCancelled");
    await this.#are(asks, [...late, "OrderCancelled"]);
  }

  async #order(
    host: string,
    { cityId, productId, quantity }: Lot,
    payment: string,
    type: string,
  ): Promise<string> {
    const input = { clientId: `${cityId}:1`, lines: [{ productId, quantity }], payment };
    const [id] = await this.#are([[host, PLACE_ORDER, input]], [type]);
    return id!;
  }

  /**
   * Asks several things at the same time, and waits for rest. Returns the ids of orders in the answers.
   * @throws Violation unless the answers are of these types, in any order
   */
  async #are(questions: readonly Question[], types: readonly string[]): Promise<(string | undefined)[]> {
    const { world, watch } = this.#shop;
    const answered: { type: string; id: string | undefined }[] = [];
    for (const [host, query, input] of questions) {
      ask(this.#send, urlOf(host), query, { input }).then(
        (answer) => {
          if (answer.kind === "result") answered.push({ type: answer.type, id: answer.result.order?.id });
          else answered.push({ type: JSON.stringify(answer), id: undefined });
        },
        (error) => world.fail(error),
      );
    }
    await world.runUntil(() => answered.length === questions.length && watch.isAtRest, WITHIN_MS);
    const got = answered
      .map(({ type }) => type)
      .sort()
      .join();
    promise(
      got === types.join(),
      () => `at rest, ${JSON.stringify(questions.map(([, , input]) => input))} comes to ${got}`,
    );
    watch.checkAtRest();
    return answered.map(({ id }) => id);
  }
}

type Question = [host: string, query: string, input: object];
