/** Mistakes that a commit protocol can have. Each can be planted in the model, and breaks an invariant. */

interface Found {
  world: string;
  invariant: string;
  /** The length of a shortest trace. */
  steps: number;
}

const AT_REST = "in the end nothing stays PREPARED";
const DECISION = "a participant goes by its home's decision";
const LEVEL = "a level is the sum of its movements";
const VIOLATION = "no message contradicts what is recorded";
const HAPPENED = "a COMMITTED transaction has happened";
const CHARGED = "wallets are charged what their orders cost, and refunded what is cancelled";

const RETRY = "an order and its retry";
const PRUNED = "an order, which is pruned";
const CANCELLED = "an order and two cancellations";
const TRANSFERRED = "an order and a transfer, twice, for one piece";
const HELD = "an order paid by a hold, and its retry";
const REFUNDED = "an order paid by a hold, and its cancellation";

export const MISTAKES = {
  "commit before all votes": { world: RETRY, invariant: VIOLATION, steps: 5 },
  "abort on a lost commit answer": { world: RETRY, invariant: DECISION, steps: 6 },
  "two attempts under one id": {
    world: RETRY,
    invariant: "what a client was told is never taken back",
    steps: 6,
  },
  "key checked only up front": {
    world: RETRY,
    invariant: "a key stands for one transaction of its kind",
    steps: 9,
  },
  "no fence": { world: RETRY, invariant: DECISION, steps: 6 },
  "outcome without a fence": { world: RETRY, invariant: DECISION, steps: 6 },
  "participant guesses": { world: RETRY, invariant: DECISION, steps: 5 },
  "participant never asks": { world: RETRY, invariant: AT_REST, steps: 2 },
  "pieces set aside twice": { world: TRANSFERRED, invariant: "what is reserved is on hand", steps: 4 },
  "release keeps the pieces": {
    world: RETRY,
    invariant: "what is reserved is what PREPARED transactions hold",
    steps: 4,
  },
  "pruned taken for new": { world: PRUNED, invariant: DECISION, steps: 8 },
  "doubt pruned": { world: PRUNED, invariant: VIOLATION, steps: 7 },
  "given back before the commit point": { world: CANCELLED, invariant: DECISION, steps: 2 },
  "given back twice": { world: CANCELLED, invariant: LEVEL, steps: 8 },
  "return ignored before its order": { world: CANCELLED, invariant: LEVEL, steps: 7 },
  "cancelled before it is placed": { world: CANCELLED, invariant: HAPPENED, steps: 2 },
  "cancelled twice": { world: CANCELLED, invariant: HAPPENED, steps: 8 },
  "home never tells": { world: CANCELLED, invariant: AT_REST, steps: 6 },
  "transfer without prepare": { world: TRANSFERRED, invariant: VIOLATION, steps: 3 },
  "transfer arrives with every commit": { world: TRANSFERRED, invariant: LEVEL, steps: 5 },
  "commit without the wallet's yes": {
    world: HELD,
    invariant: "an order has one payment, which stands as the order does",
    steps: 3,
  },
  "money held without a balance": {
    world: HELD,
    invariant: "a wallet is the sum of its entries, and never below zero",
    steps: 6,
  },
  "early void forgotten": { world: HELD, invariant: CHARGED, steps: 5 },
  "hold released without a fence": { world: HELD, invariant: VIOLATION, steps: 7 },
  "late capture takes again": { world: REFUNDED, invariant: CHARGED, steps: 12 },
} as const satisfies Record<string, Found>;

export type Mistake = keyof typeof MISTAKES;
