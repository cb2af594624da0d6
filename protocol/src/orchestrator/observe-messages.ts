/** Observes the orchestrator's messages with a span and a measurement for each, outside their own code. */

import { TransportError } from "@teranga/kit/http/transport.ts";
import { ATTRIBUTE, inSpan } from "@teranga/kit/process/tracing.ts";
import type { CommitMessage } from "../messages.ts";
import type { CityMessages } from "./city-messages.ts";
import type { MessageMetrics } from "./message-metrics.ts";

/** Names of the commit messages, by what they commit. */
const COMMITS = {
  ORDER: "commitOrders",
  CANCELLATION: "commitCancellations",
  TRANSFER: "commitTransfers",
} as const satisfies Record<CommitMessage["kind"], string>;

/** The same messages, each in a span of its own and measured from the call to the answer. */
export function observeMessages(messages: CityMessages, metrics: MessageMetrics): CityMessages {
  const observe = <Answer extends { state: string }>(
    message: string,
    attributes: Record<string, string>,
    send: () => Promise<Answer>,
  ) =>
    inSpan(`message ${message}`, { attributes }, async (span) => {
      const end = metrics.messageBegins(message);
      const finish = (result: string) => {
        end(result);
        span.setAttribute(ATTRIBUTE.result, result);
      };
      try {
        const answer = await send();
        if (answer.state === "VIOLATION") metrics.alarmed(message);
        finish(answer.state);
        return answer;
      } catch (error) {
        finish(error instanceof TransportError && error.effect === "refused" ? "NOT_SENT" : "NO_ANSWER");
        throw error;
      }
    });
  const about = (cityId: string, { transactionId, kind }: { transactionId: string; kind?: string }) => ({
    [ATTRIBUTE.city]: cityId,
    [ATTRIBUTE.transactionId]: transactionId,
    ...(kind !== undefined && { [ATTRIBUTE.kind]: kind }),
  });

  return {
    prepare: (cityId, message, deadlineMs) =>
      observe("prepare", about(cityId, message), () => messages.prepare(cityId, message, deadlineMs)),
    commit: (cityId, message, deadlineMs) =>
      observe(
        COMMITS[message.kind],
        about(cityId, { transactionId: message.commit.transactionId, kind: message.kind }),
        () => messages.commit(cityId, message, deadlineMs),
      ),
    decide: (cityId, message, deadlineMs) =>
      observe("decide", about(cityId, message), () => messages.decide(cityId, message, deadlineMs)),
    outcome: (cityId, message, deadlineMs) =>
      observe("outcome", about(cityId, message), () => messages.outcome(cityId, message, deadlineMs)),
  };
}
