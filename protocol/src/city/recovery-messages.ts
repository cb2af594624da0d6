/** The messages that a city sends to other cities to finish transactions that an orchestrator has left. */
import { TransportError } from "@teranga/kit/http/transport.ts";
import type { AskMeans } from "@teranga/kit/instances/ask.ts";
import { type PartitionPlacement, urlsOf } from "@teranga/kit/topology/topology.ts";
import type { z } from "zod";
import {
  type DecideAnswer,
  type DecideMessage,
  decideAnswer,
  type failedAnswer,
  type OutcomeAnswer,
  type OutcomeMessage,
  outcomeAnswer,
} from "../messages.ts";
import { type MessageKind, sendBatch } from "../send-batch.ts";

type FailedAnswer = z.infer<typeof failedAnswer>;

/**
 * Each call takes a batch and answers in its order; FAILED where a message has no answer of the right form.
 * All messages are idempotent.
 * @throws TransportError if the city does not answer, so that nothing is known
 */
export interface RecoveryMessages {
  decide(cityId: string, decisions: readonly DecideMessage[]): Promise<(DecideAnswer | FailedAnswer)[]>;
  outcome(cityId: string, questions: readonly OutcomeMessage[]): Promise<(OutcomeAnswer | FailedAnswer)[]>;
}

/**
 * A city that hangs must not hold up the transactions of other cities. A batch
 * takes a few milliseconds of work.
 */
const DEADLINE_MS = 1_000;

const DECIDE = {
  operationName: "RecoveryDecide",
  query: `mutation RecoveryDecide($messages: [DecisionInput!]!) {
    answers: decide(decisions: $messages) { transactionId state }
  }`,
  answer: decideAnswer,
};
const OUTCOME = {
  operationName: "RecoveryOutcome",
  query: `mutation RecoveryOutcome($messages: [OutcomeInput!]!) {
    answers: outcome(transactions: $messages) { transactionId state lines { productId quantity } }
  }`,
  answer: outcomeAnswer,
};

/** Reads the placement anew for each message. */
export function createRecoveryMessages(placement: PartitionPlacement, means: AskMeans): RecoveryMessages {
  const send = async <Answer extends z.ZodType<{ transactionId: string }>>(
    cityId: string,
    kind: MessageKind<Answer>,
    messages: readonly { transactionId: string }[],
  ): Promise<(z.infer<Answer> | FailedAnswer)[]> => {
    const urls = urlsOf(placement, cityId);
    if (!urls) throw new TransportError("refused", `the topology has no city "${cityId}"`);
    const answers = await sendBatch(kind, { urls, messages, deadlineMs: DEADLINE_MS }, means);
    return messages.map(({ transactionId }, index) => {
      const answer = answers[index]!;
      return answer instanceof TransportError ? { transactionId, state: "FAILED" } : answer;
    });
  };
  return {
    decide: (cityId, decisions) => send(cityId, DECIDE, decisions),
    outcome: (cityId, questions) => send(cityId, OUTCOME, questions),
  };
}
