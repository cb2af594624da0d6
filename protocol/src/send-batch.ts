/** Sends messages of one kind to a city in one request, and reads an answer for each. */
import { TransportError } from "@teranga/kit/http/transport.ts";
import { type AskMeans, answeredElse, ask, named } from "@teranga/kit/instances/ask.ts";
import { z } from "zod";
import { failedAnswer } from "./messages.ts";

/** How messages of one kind are sent, and the form of their answers. */
export interface MessageKind<Answer extends z.ZodType<{ transactionId: string }>> {
  operationName: string;
  /** Takes `$messages`, and names its field `answers`. */
  query: string;
  answer: Answer;
}

export interface Batch<Message> {
  /** The city's instances. */
  urls: readonly string[];
  messages: readonly Message[];
  deadlineMs: number;
}

/**
 * Each message's answer, in their order. An answer of the wrong form, or another message's, is a failure of
 * that message alone.
 * @throws TransportError if there is not one answer for each message
 */
export async function sendBatch<Answer extends z.ZodType<{ transactionId: string }>>(
  { operationName, query, answer }: MessageKind<Answer>,
  { urls, messages, deadlineMs }: Batch<{ transactionId: string }>,
  means: AskMeans,
): Promise<(z.infer<Answer> | TransportError)[]> {
  const { answers } = await ask(means, urls, {
    operationName,
    query,
    variables: { messages },
    answer: z.object({ answers: z.array(z.unknown()).length(messages.length) }),
    deadlineMs,
  });
  return messages.map(({ transactionId }, index) => {
    const parsed = answer.safeParse(answers[index]);
    if (parsed.success && parsed.data.transactionId === transactionId) return parsed.data;
    // The city has logged the cause.
    if (failedAnswer.safeParse(answers[index]).success) {
      return new TransportError("unknown", `${operationName}: the city could not process the message`);
    }
    const cause = parsed.error ?? new Error("an answer for another transaction");
    const failure = named(answeredElse(cause), operationName);
    means.onFault?.(failure);
    return failure;
  });
}
