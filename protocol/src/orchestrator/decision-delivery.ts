/**
 * Tells participants how a transaction was decided, off the client's path.
 *
 * Each delivery is tried once, and a failure is only logged, because nothing depends on it. The home's worker
 * repeats a COMMITTED decision until it is acknowledged. A participant that hears of no ABORT asks the home
 * when its deadline has passed.
 */
import type { Logger } from "@teranga/kit/process/log.ts";
import { alarm } from "../alarm.ts";
import type { ProductQuantity, TransactionKind } from "../messages.ts";
import type { CityMessages } from "./city-messages.ts";

/** A decision, and what each participant that must hear it gives or gets back. */
export interface Announcement {
  transactionId: string;
  kind: TransactionKind;
  decision: "COMMITTED" | "ABORTED";
  participants: ReadonlyMap<string, readonly ProductQuantity[]>;
}

export interface DecisionDelivery {
  /** Begins to tell all participants. Resolves when each has answered or failed; never rejects. */
  announce(announcement: Announcement): Promise<void>;
  /**
   * Resolves when no delivery is under way. Each delivery has a deadline, so that
   * takes DECIDE_DEADLINE_MS at most.
   */
  drain(): Promise<void>;
}

/** Below the 2 s after which the home begins to tell the participants itself. */
const DECIDE_DEADLINE_MS = 1_000;
/**
 * Deliveries under way. Beyond this the cities finish alone, so that a city that
 * hangs cannot fill this process.
 */
const DELIVERIES_MAX = 1_000;

export function createDecisionDelivery(messages: CityMessages, log: Logger): DecisionDelivery {
  const underWay = new Set<Promise<void>>();

  const deliver = async (
    cityId: string,
    { transactionId, kind, decision }: Announcement,
    lines: readonly ProductQuantity[],
  ) => {
    const message = { transactionId, kind, decision, lines: decision === "COMMITTED" ? lines : [] };
    try {
      const { state } = await messages.decide(cityId, message, DECIDE_DEADLINE_MS);
      if (state === "VIOLATION")
        alarm({ log }, { transactionId, city: cityId }, "the answer to decide is VIOLATION");
    } catch (error) {
      log.warn(
        { err: error, transactionId, kind, decision, participant: cityId },
        "a decision was not acknowledged",
      );
    }
  };

  const track = (delivery: Promise<void>): Promise<void> => {
    const tracked = delivery.finally(() => underWay.delete(tracked));
    underWay.add(tracked);
    return tracked;
  };

  return {
    async announce(announcement) {
      const { transactionId, participants } = announcement;
      if (underWay.size + participants.size > DELIVERIES_MAX) {
        log.warn({ transactionId }, "too many decisions are being told; the cities will finish this one");
        return;
      }
      await Promise.all(
        [...participants].map(([cityId, lines]) => track(deliver(cityId, announcement, lines))),
      );
    },
    async drain() {
      await Promise.all(underWay);
    },
  };
}
