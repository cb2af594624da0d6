/** Watching what the orchestrator does: a span and a measure for each message and each answer, without a word of it in their code. */
import { ATTRIBUTE, inSpan } from "@teranga/kit/tracing.ts";
import { TransportError } from "@teranga/kit/transport.ts";
import type { MutationResolvers } from "@teranga/schema/generated/orders.ts";
import type { CityMessages } from "./city-messages.ts";
import type { OrdersContext } from "./context.ts";
import type { OrderMetrics } from "./metrics.ts";
import type { CommitMessage } from "./protocol-messages.ts";

/** The names of the messages; those of the commit differ by what is committed. */
const COMMITS = {
  ORDER: "commitOrders",
  CANCELLATION: "commitCancellations",
  TRANSFER: "commitTransfers",
} as const satisfies Record<CommitMessage["kind"], string>;

/** The same messages, each in a span of its own and measured from the wish to the answer. */
export function observeMessages(messages: CityMessages, metrics: OrderMetrics): CityMessages {
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

type Resolve = (parent: unknown, args: unknown, context: OrdersContext, info: unknown) => Promise<unknown>;

/** The same mutations, each in a span of its own and its answers counted. */
export function observeAnswers(
  mutations: MutationResolvers<OrdersContext>,
): MutationResolvers<OrdersContext> {
  const observed = (Object.entries(mutations) as [string, Resolve][]).map(([name, resolve]) => {
    const observe: Resolve = (parent, args, context, info) =>
      inSpan(name, {}, async (span) => {
        const finish = (result: string) => {
          context.metrics.answered(name, result);
          span.setAttribute(ATTRIBUTE.result, result);
        };
        try {
          const answer = await resolve(parent, args, context, info);
          finish((answer as { __typename: string }).__typename);
          return answer;
        } catch (error) {
          finish(codeOf(error));
          throw error;
        }
      });
    return [name, observe];
  });
  return Object.fromEntries(observed) as MutationResolvers<OrdersContext>;
}

/** An error without a code is a fault of ours, as its client is told. */
function codeOf(error: unknown): string {
  const code = (error as { extensions?: { code?: unknown } } | null)?.extensions?.code;
  return typeof code === "string" ? code : "INTERNAL_SERVER_ERROR";
}
