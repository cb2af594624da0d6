/**
 * An orchestrator whose clock is far from the cities'. Its orders of several cities go through as if it were
 * right: nothing of the protocol compares two machines' clocks. Messages are slow, so that participants look
 * for overdue prepares between the two phases.
 */
import { createRandom } from "../harness/random.ts";
import { ask } from "./answers.ts";
import { urlOf } from "./network.ts";
import { PLACE_ORDER } from "./operations.ts";
import { bootOrders } from "./services.ts";
import { CITY_IDS, clientsOf } from "./shop.ts";
import { ShopWorld } from "./shop-world.ts";
import type { Stage } from "./stage.ts";
import { CALM } from "./swarm.ts";
import { promise } from "./violation.ts";
import { createWatchfulLog } from "./watchful-log.ts";

const ORDERS = 30;
const BETWEEN_MS = 200;
const LATENCY_MS = 150;
const WITHIN_MS = 120_000;
const ORCHESTRATOR = "orders-with-its-own-time";

/** @throws Violation if an order is not placed at the first try */
export async function placeWithClockAway(stage: Stage, offsetMs: number): Promise<void> {
  const shop = new ShopWorld(stage, createRandom("clocks"), { ...CALM, latencyMs: LATENCY_MS });
  const { world, watch } = shop;
  // The client's own city has only something else.
  const seed = (id: string) => {
    const stock: [string, number][] = [[id === "dakar" ? "102" : "101", 4 * ORDERS]];
    return { clients: clientsOf(id), stock };
  };
  await shop.open(new Map(CITY_IDS.map((id) => [id, seed(id)])));
  const log = createWatchfulLog((line) => world.fail(new Error(line)));
  const means = { placement: shop.placement, network: shop.network, endpoint: stage.endpoints.orders, log };
  shop.add(ORCHESTRATOR, { boot: (life) => bootOrders(means, life), clock: { offsetMs, drift: 0 } });
  const client = shop.add("client", { isClient: true, boot: () => () => Promise.reject(new Error("asked")) });
  const send = shop.network.sender(client.life!);

  const answers: string[] = [];
  const place = async (number: number) => {
    await client.life!.delay(number * BETWEEN_MS);
    const lines = [{ productId: "101", quantity: 2 }];
    const key = `order ${number}`;
    const input = { clientId: "dakar:1", lines, payment: "CASH_ON_DELIVERY", idempotencyKey: key };
    const answer = await ask(send, urlOf(ORCHESTRATOR), PLACE_ORDER, { input });
    answers.push(answer.kind === "result" ? answer.type : answer.kind);
  };
  for (let number = 1; number <= ORDERS; number++) place(number).catch((error) => world.fail(error));
  await world.runUntil(() => answers.length === ORDERS, WITHIN_MS);
  const placed = answers.filter((answer) => answer === "OrderPlaced").length;
  promise(placed === ORDERS, () => `of ${ORDERS} orders ${placed} are placed: ${answers}`);
  // Nor was any of them fenced on its way, and tried again.
  const fences = "select transaction_id from transaction_decision where message_digest is null";
  const { rows } = await stage.databases.get("dakar")!.execute(fences, []);
  promise(rows.length === 0, () => `${rows.length} transactions were fenced`);
  await world.runUntil(() => watch.isAtRest, WITHIN_MS);
  watch.checkAtRest();
}
