/**
 * The words of the model: what is attempted, the messages, and what each side records.
 *
 * A message that was sent can be delivered at any later time, any number of times, or never. So each message
 * may be late, doubled, lost or overtaken. A city acts in atomic steps, as its database does. A city that
 * crashes between two steps is late. An orchestrator that crashes takes no further step. Deadlines pass at
 * any time.
 *
 * Bounds: three cities, one product, one piece in each line, one franc an order, and a world's attempts.
 */

import type { Mistake } from "./mistakes.ts";

export const CITIES = ["dakar", "thies", "mbour"] as const;
export type City = (typeof CITIES)[number];

/** What an orchestrator tries to do. Attempts of one kind with one key are of one request. */
export type Attempt =
  | { kind: "ORDER"; home: City; key: string; gives: readonly City[]; paidBy: "CASH" | "HOLD" }
  | { kind: "CANCELLATION"; home: City; key: string; order: number }
  | { kind: "TRANSFER"; home: City; key: string; gives: readonly City[] };

export interface World {
  name: string;
  /** The attempts, in no order: any number of orchestrators run them side by side. */
  attempts: readonly Attempt[];
  /** Pieces in each city. */
  stock: Readonly<Record<City, number>>;
  /** Francs in the client's wallet. */
  balance: number;
  /** Whether the cities prune what is ABORTED (pruning.ts). */
  prunes: boolean;
  /** The planted mistake (mistakes.ts); null for the protocol as it is. */
  mistake: Mistake | null;
}

/** Messages carry the transaction's number, which is that of its attempt. */
export type Message =
  | { kind: "prepare"; tx: number; city: City }
  /** The vote PREPARED. A no is as good as silence: the orchestrator may give up before its commit. */
  | { kind: "vote"; tx: number; city: City }
  | { kind: "commit"; tx: number; attempt: number }
  | { kind: "answer"; tx: number; attempt: number; answer: CommitAnswer }
  | { kind: "outcome"; tx: number; asker: City | "orchestrator" }
  /** The answer to an orchestrator's `outcome`. A participant takes the answer to its own as a `decide`. */
  | { kind: "outcome answer"; tx: number; decision: "COMMITTED" | "ABORTED" }
  | { kind: "decide"; tx: number; city: City; decision: "COMMITTED" | "ABORTED" }
  | { kind: "authorise"; tx: number }
  | { kind: "authorise answer"; tx: number; answer: "AUTHORISED" | "DECLINED" }
  | { kind: "settle"; tx: number; end: "CAPTURED" | "VOIDED" | "REFUNDED" };

export type CommitAnswer =
  | "COMMITTED"
  | "REPLAYED"
  | "REFUSED"
  | "DECLINED"
  | "UNKNOWN_ORDER"
  | "ALREADY_CANCELLED"
  | "TOO_OLD"
  | "ABORTED";

/** The states of `transaction.ts`. `told` is what the client learns. */
export type Orchestrator =
  | { state: "idle" | "preparing" | "committing" | "asking" }
  | { state: "ended"; told: "happened" | "not happened" | "unknown" };

/** What a home has recorded. */
export type Decision =
  | { state: "NONE" }
  | { state: "ABORTED"; answer: CommitAnswer }
  | { state: "COMMITTED"; attempt: number };

/** What a participant has recorded. */
export type Participation = "NONE" | "PREPARED" | "COMMITTED" | "ABORTED";

/** What the home has recorded of a payment, and what the wallet has recorded of it. */
export type Payment =
  | "NONE"
  | "AUTHORISING"
  | "AUTHORISED"
  | "DECLINED"
  | "CAPTURED"
  | "VOIDING"
  | "VOIDED"
  | "REFUNDING"
  | "REFUNDED";
export type Hold = "NONE" | "AUTHORISED" | "DECLINED" | "CAPTURED" | "VOIDED" | "REFUNDED";

/** The cities that must be told the decision: those that give stock or get it back, without the home. */
export function participantsOf({ attempts }: World, attempt: Attempt): readonly City[] {
  const { gives } = givingAttempt(attempts, attempt);
  return gives.filter((city) => city !== attempt.home);
}

/** Whether the home itself gives a piece, or gets one back. */
export function homeGives({ attempts }: World, attempt: Attempt): boolean {
  return givingAttempt(attempts, attempt).gives.includes(attempt.home);
}

function givingAttempt(attempts: readonly Attempt[], attempt: Attempt): { gives: readonly City[] } {
  if (attempt.kind !== "CANCELLATION") return attempt;
  return attempts[attempt.order] as Extract<Attempt, { kind: "ORDER" }>;
}
