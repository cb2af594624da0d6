/** How the clients of a run behave. */
import type { Random } from "../harness/random.ts";

export interface Habits {
  operations: number;
  /** The longest pause between two operations. */
  pauseMs: number;
  /** The most pieces of one line. */
  quantityMax: number;
  /** How often they use the first product, which becomes scarce. */
  hotProduct: number;
  /** How often a request is sent twice at the same time. */
  twice: number;
  /** How often a request that was answered is sent again. */
  again: number;
  /** How often another request is sent under a key that was used. */
  wrong: number;
  weights: Record<Act, number>;
}

export type Act = "order" | "cancel" | "transfer" | "topUp" | "restock" | "read";

export function drawHabits(random: Random): Habits {
  const weight = (usual: number) => random.pick([0, usual, usual, 3 * usual]);
  return {
    operations: random.between(1, 4),
    pauseMs: random.pick([200, 2_000, 8_000]),
    quantityMax: random.pick([2, 5, 9]),
    hotProduct: random.pick([0, 0.5, 1]),
    twice: random.pick([0, 0.1, 0.5]),
    again: random.pick([0, 0.2]),
    wrong: random.pick([0, 0.2]),
    weights: {
      order: 6,
      cancel: weight(3),
      transfer: weight(2),
      topUp: weight(2),
      restock: weight(1),
      read: weight(1),
    },
  };
}
