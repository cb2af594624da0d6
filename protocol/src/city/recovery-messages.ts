/** The messages that a city sends to other cities to finish transactions that an orchestrator has left. */
import { areNotNow, cutText } from "@teranga/kit/graphql/errors.ts";
import { type Send, TransportError } from "@teranga/kit/http/transport.ts";
import type { PartitionPlacement } from "@teranga/kit/topology/topology.ts";
import { z } from "zod";
import {
  type DecideMessage,
  decideAnswer,
  failedAnswer,
  type OutcomeMessage,
  outcomeAnswer,
} from "../messages.ts";

const decided = z.union([decideAnswer, failedAnswer]);
const outcome = z.union([outcomeAnswer, failedAnswer]);

/**
 * Each call takes a batch and answers in its order.
 * @throws TransportError if the city does not answer, so that nothing is known; Error
 * if the answer has the wrong form
 */
export interface RecoveryMessages {
  decide(cityId: string, decisions: readonly DecideMessage[]): Promise<z.infer<typeof decided>[]>;
  outcome(cityId: string, questions: readonly OutcomeMessage[]): Promise<z.infer<typeof outcome>[]>;
}

/**
 * A city that hangs must not hold up the transactions of other cities. A batch
 * takes a few milliseconds of work.
 */
const DEADLINE_MS = 1_000;
const REASON_LENGTH_MAX = 300;

const DECIDE = {
  field: "decide",
  query: `mutation Decide($decisions: [DecisionInput!]!) {
    decide(decisions: $decisions) { transactionId state }
  }`,
  answer: decided,
};
const OUTCOME = {
  field: "outcome",
  query: `mutation Outcome($transactions: [OutcomeInput!]!) {
    outcome(transactions: $transactions) { transactionId state lines { productId quantity } }
  }`,
  answer: outcome,
};

/**
 * Reads the placement anew for each message.
 * @param onFault is told of an answer to one message that has the wrong form; that message counts as FAILED
 */
export function createRecoveryMessages(
  placement: PartitionPlacement,
  send: Send,
  onFault: (fault: Error) => void,
): RecoveryMessages {
  /** Asks the city's instances in turn. Any instance will do, and all messages are idempotent. */
  const ask = async <Answer extends z.ZodType<{ transactionId: string }>>(
    cityId: string,
    { field, query, answer }: { field: string; query: string; answer: Answer },
    variables: Record<string, readonly { transactionId: string }[]>,
  ) => {
    let failure: Error = new TransportError("refused", `the topology has no city "${cityId}"`);
    for (const url of placement.partitions.find(({ id }) => id === cityId)?.urls ?? []) {
      try {
        const { data, errors } = await send(url, { query, variables }, { deadlineMs: DEADLINE_MS });
        if (data && !errors) return answersOf(answer, data[field], Object.values(variables)[0]!, onFault);
        const reason = cutText(errors?.[0]?.message ?? "nothing", REASON_LENGTH_MAX);
        const said = `${cityId} answered ${field} with: ${reason}`;
        // An error that does not say "not now" is a fault of ours, in that service or in this one.
        failure = areNotNow(errors ?? []) ? new TransportError("unknown", said) : new Error(said);
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        failure = error;
      }
    }
    throw failure;
  };
  return {
    decide: (cityId, decisions) => ask(cityId, DECIDE, { decisions }),
    outcome: (cityId, transactions) => ask(cityId, OUTCOME, { transactions }),
  };
}

/**
 * Each message's answer; FAILED where it has the wrong form or is another message's, so that it does not hold
 * up the others.
 * @throws Error if there is not one answer for each message
 */
function answersOf<Answer extends z.ZodType<{ transactionId: string }>>(
  answer: Answer,
  said: unknown,
  messages: readonly { transactionId: string }[],
  onFault: (fault: Error) => void,
): (z.infer<Answer> | z.infer<typeof failedAnswer>)[] {
  const answers = z.array(z.unknown()).length(messages.length).parse(said);
  return messages.map(({ transactionId }, index) => {
    const parsed = answer.safeParse(answers[index]);
    if (parsed.success && parsed.data.transactionId === transactionId) return parsed.data;
    onFault(new Error(`no answer for ${transactionId}`, { cause: parsed.error }));
    return { transactionId, state: "FAILED" };
  });
}
