/** The protocol messages that a city sends to other cities when it finishes what an orchestrator has left. */
import { areNotNow, cutText } from "@teranga/kit/errors.ts";
import type { PartitionPlacement } from "@teranga/kit/topology.ts";
import { type Send, TransportError } from "@teranga/kit/transport.ts";
import type { ProductQuantity, TransactionKind } from "./model.ts";

export interface Decision {
  transactionId: string;
  kind: TransactionKind;
  decision: "COMMITTED" | "ABORTED";
  lines: ProductQuantity[];
}

export interface DecideAnswer {
  transactionId: string;
  state: "DONE" | "VIOLATION" | "FAILED";
}

export interface OutcomeAnswer {
  transactionId: string;
  state: "COMMITTED" | "ABORTED" | "VIOLATION" | "FAILED";
  lines: ProductQuantity[];
}

/** Each takes a batch and answers in its order. @throws Error if the city does not answer; then nothing is known. */
export interface CityMessages {
  decide(cityId: string, decisions: Decision[]): Promise<DecideAnswer[]>;
  outcome(cityId: string, questions: { transactionId: string; cityId: string }[]): Promise<OutcomeAnswer[]>;
}

/** A city that hangs must not hold up what waits for the others. The work of a batch takes a few milliseconds. */
const DEADLINE_MS = 1_000;
const REASON_LENGTH_MAX = 300;

const DECIDE = `mutation Decide($decisions: [DecisionInput!]!) {
  decide(decisions: $decisions) { transactionId state }
}`;
const OUTCOME = `mutation Outcome($transactions: [OutcomeInput!]!) {
  outcome(transactions: $transactions) { transactionId state lines { productId quantity } }
}`;

/** Each message goes by the placement as it then is. */
export function createCityMessages(placement: PartitionPlacement, send: Send): CityMessages {
  /** Any instance of the city will do, and all messages are idempotent: they are tried in turn. */
  const ask = async <Answer>(
    cityId: string,
    field: string,
    query: string,
    variables: Record<string, unknown>,
  ) => {
    let failure: Error = new TransportError("refused", `the topology has no city "${cityId}"`);
    for (const url of placement.partitions.find(({ id }) => id === cityId)?.urls ?? []) {
      try {
        const { data, errors } = await send(url, { query, variables }, { deadlineMs: DEADLINE_MS });
        if (data && !errors) return data[field] as Answer[];
        const reason = cutText(errors?.[0]?.message ?? "nothing", REASON_LENGTH_MAX);
        const said = `${cityId} answered ${field} with: ${reason}`;
        // Anything else than that it cannot just now is a fault of ours, there or here.
        failure = areNotNow(errors ?? []) ? new TransportError("unknown", said) : new Error(said);
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        failure = error;
      }
    }
    throw failure;
  };
  return {
    decide: (cityId, decisions) => ask(cityId, "decide", DECIDE, { decisions }),
    outcome: (cityId, transactions) => ask(cityId, "outcome", OUTCOME, { transactions }),
  };
}
