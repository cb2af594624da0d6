/** How the clients of a run behave: drawn as wildly as its faults. */
import type { Random } from "../harness/random.ts";
import { CITY_IDS, ORCHESTRATORS } from "./shop.ts";

export interface Habits {
  /** Whose clients act. */
  homes: readonly string[];
  /** Whom they ask. */
  orchestrators: readonly string[];
  /** How many of each client act at the same time. */
  hands: number;
  /** Of each hand. */
  operations: number;
  /** The longest pause between two operations. */
  pauseMs: number;
  /** Whether all pause for as long, and so act at the same time: then messages travel together. */
  isInStep: boolean;
  /** Pieces come in multiples of this, in stock and in orders: then cities often give equal quantities. */
  unit: number;
  /** The most units of one line. */
  unitsMax: number;
  /** The most products of one order. */
  linesMax: number;
  /** What a city may have of a product at the beginning, in units. */
  levels: readonly number[];
  /** Whether those whose clients act have nothing: then every order is of others. */
  isHomeEmpty: boolean;
  /** How often an order is of more than one city, or two, have. */
  splits: number;
  /** How often an order is paid from the wallet. */
  wallet: number;
  /** What a wallet is given at the beginning. */
  purse: number;
  /** How often they use the first product, which becomes scarce. */
  hotProduct: number;
  /** How often a cancellation is of one of the latest orders, which others cancel too. */
  hotOrder: number;
  /** How often somebody cancels an order at once. */
  regret: number;
  /** How often an order comes with transfers from the other cities to its own, at the same time. */
  together: number;
  /** How often a request is sent twice at the same time. */
  twice: number;
  /** How often a request that was answered is sent again. */
  again: number;
  /** Whether clients have the same keys as others. */
  hasPlainKeys: boolean;
  /** How often another request is sent under a key that was used. */
  wrong: number;
  weights: Record<Act, number>;
}

export type Act = "order" | "cancel" | "transfer" | "topUp" | "restock" | "read";

/** A crowd is dear: a run of it takes as long as five others. */
const CROWD = 0.08;

/** How many runs have the clients of one city alone. */
const ONE_HOME = 0.3;

export function drawHabits(random: Random): Habits {
  const weight = (usual: number) => random.pick([0, usual, usual, 5 * usual]);
  const isCrowd = random.next() < CROWD;
  const isEven = random.next() < 0.4;
  const isScarce = random.next() < 0.5;
  const isOneHome = random.next() < ONE_HOME;
  const hands = isCrowd ? random.between(1, 4) : random.pick([1, 1, 2]);
  return {
    homes: isOneHome ? [random.pick(CITY_IDS)] : CITY_IDS,
    orchestrators: random.pick([ORCHESTRATORS, ORCHESTRATORS, ORCHESTRATORS.slice(0, 1)]),
    // So that as much happens.
    hands: isOneHome ? 3 * hands : hands,
    operations: isCrowd ? random.between(5, 8) : random.between(1, 4),
    pauseMs: random.pick(isCrowd ? [20, 200, 2_000] : [200, 2_000, 8_000]),
    isInStep: random.next() < 0.4,
    unit: isEven ? random.between(1, 3) : 1,
    unitsMax: isEven ? 3 : random.pick([2, 5, 9]),
    linesMax: random.pick([1, 2, 3]),
    levels: isScarce ? [0, 1, 2] : isEven ? [1, 2] : [0, 3, 10, 30],
    isHomeEmpty: isOneHome && random.next() < 0.6,
    splits: random.pick([0, 0.5, 1]),
    wallet: random.pick([0, 0.5, 1]),
    purse: random.pick([0, 5_000, 100_000]),
    hotProduct: random.pick([0, 0.5, 1]),
    hotOrder: random.pick([0, 0.5, 1]),
    regret: random.pick([0, 0, 0.6]),
    twice: random.pick([0, 0.1, 0.5]),
    again: random.pick([0, 0.2]),
    wrong: random.pick([0, 0.2]),
    hasPlainKeys: random.next() < 0.5,
    together: random.fork("together").pick([0, 0, 0, 0.6]),
    weights: {
      order: 12,
      cancel: weight(3),
      transfer: weight(2),
      topUp: weight(1),
      // Else the little that there is would be sold at once.
      restock: isScarce ? 5 : weight(1),
      read: weight(1),
    },
  };
}
