/** Observes the orchestrator's messages, outside their own code. */

import { TransportError } from "@teranga/kit/http/transport.ts";
import { ATTRIBUTE, inSpan } from "@teranga/kit/process/tracing.ts";
import { TRANSACTION_ATTRIBUTE } from "../span-attributes.ts";
import type { MessageMetrics } from "./message-metrics.ts";

/** What is known of a message before it is sent. */
export interface MessageFacts {
  message: string;
  cityId: string;
  transactionId: string;
  /** What kind of transaction it is about, if the message says so. */
  kind: string | undefined;
}

/** Sends a message in a span of its own, measured from the call to the answer. */
export function observeMessage<Answer extends { state: string }>(
  { message, cityId, transactionId, kind }: MessageFacts,
  metrics: MessageMetrics,
  send: () => Promise<Answer>,
): Promise<Answer> {
  const attributes = {
    [TRANSACTION_ATTRIBUTE.city]: cityId,
    [TRANSACTION_ATTRIBUTE.id]: transactionId,
    ...(kind !== undefined && { [TRANSACTION_ATTRIBUTE.kind]: kind }),
  };
  return inSpan(`message ${message}`, { attributes }, async (span) => {
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
}
