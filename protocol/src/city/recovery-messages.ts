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

const decideAnswers = z.array(z.union([decideAnswer, failedAnswer]));
const outcomeAnswers = z.array(z.union([outcomeAnswer, failedAnswer]));

/**
 * Each call takes a batch and answers in its order.
 * @throws TransportError if the city does not answer, so that nothing is known; Error
 * if the answer has the wrong form
 */
export interface RecoveryMessages {
  decide(cityId: string, decisions: readonly DecideMessage[]): Promise<z.infer<typeof decideAnswers>>;
  outcome(cityId: string, questions: readonly OutcomeMessage[]): Promise<z.infer<typeof outcomeAnswers>>;
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
  answers: decideAnswers,
};
const OUTCOME = {
  field: "outcome",
  query: `mutation Outcome($transactions: [OutcomeInput!]!) {
    outcome(transactions: $transactions) { transactionId state lines { productId quantity } }
  }`,
  answers: outcomeAnswers,
};

/** Reads the placement anew for each message. */
export function createRecoveryMessages(placement: PartitionPlacement, send: Send): RecoveryMessages {
  /** Asks the city's instances in turn. Any instance will do, and all messages are idempotent. */
  const ask = async <Answers extends z.ZodType<readonly { transactionId: string }[]>>(
    cityId: string,
    { field, query, answers }: { field: string; query: string; answers: Answers },
    variables: Record<string, readonly { transactionId: string }[]>,
  ) => {
    let failure: Error = new TransportError("refused", `the topology has no city "${cityId}"`);
    for (const url of placement.partitions.find(({ id }) => id === cityId)?.urls ?? []) {
      try {
        const { data, errors } = await send(url, { query, variables }, { deadlineMs: DEADLINE_MS });
        if (data && !errors) return answered(answers, data[field], Object.values(variables)[0]!);
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

/** @throws Error if the answers do not belong to these messages, in their order */
function answered<Answers extends z.ZodType<readonly { transactionId: string }[]>>(
  schema: Answers,
  said: unknown,
  messages: readonly { transactionId: string }[],
): z.infer<Answers> {
  const answers = schema.parse(said);
  const isInOrder = messages.every(
    ({ transactionId }, index) => answers[index]?.transactionId === transactionId,
  );
  if (!isInOrder || answers.length !== messages.length)
    throw new Error("the answers are not those of the messages");
  return answers;
}
