/** The worlds that are explored. Each has as many attempts as it takes for its rules to meet. */
import type { Attempt, City, World } from "./world.ts";

const order = (key: string, gives: readonly City[], paidBy: "CASH" | "HOLD" = "CASH"): Attempt => ({
  kind: "ORDER",
  home: "dakar",
  key,
  gives,
  paidBy,
});
const cancellation = (key: string): Attempt => ({ kind: "CANCELLATION", home: "dakar", key, order: 0 });
const transfer = (key: string): Attempt => ({ kind: "TRANSFER", home: "mbour", key, gives: ["thies"] });

const world = (
  name: string,
  attempts: Attempt[],
  [dakar, thies, mbour]: [number, number, number],
  rest: { balance?: number; prunes?: boolean } = {},
): World => ({
  name,
  attempts,
  stock: { dakar, thies, mbour },
  balance: rest.balance ?? 0,
  prunes: rest.prunes ?? false,
  mistake: null,
});

const ORDER_AND_RETRY = [order("a", ["thies", "mbour"]), order("a", ["thies"])];

export const WORLDS: readonly World[] = [
  world("an order and its retry", ORDER_AND_RETRY, [0, 2, 1]),
  world("an order and its retry, for one piece", ORDER_AND_RETRY, [0, 1, 1]),
  world("an order, which is pruned", [order("a", ["thies"])], [0, 1, 0], { prunes: true }),
  world("an order that cannot be had, and its retry", ORDER_AND_RETRY, [0, 1, 0]),
  world(
    "an order and two cancellations",
    [order("a", ["dakar", "thies"]), cancellation("b"), cancellation("c")],
    [1, 1, 0],
  ),
  world(
    "an order and a transfer, twice, for one piece",
    [order("a", ["thies"]), transfer("b"), transfer("b")],
    [0, 1, 0],
  ),
  world(
    "an order paid by a hold, and its retry",
    [order("a", ["dakar"], "HOLD"), order("a", ["dakar"], "HOLD")],
    [1, 0, 0],
    { balance: 1 },
  ),
  world(
    "an order paid by a hold, and its cancellation",
    [order("a", ["thies"], "HOLD"), cancellation("b")],
    [0, 1, 0],
    { balance: 1 },
  ),
];
