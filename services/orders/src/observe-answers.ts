/**
 * Observes the orchestrator's answers with a span and a measurement for each mutation,
 * outside the mutations' own code.
 */
import { ATTRIBUTE, inSpan } from "@teranga/kit/process/tracing.ts";
import type { MutationResolvers } from "@teranga/schema/generated/orders.ts";
import type { OrdersContext } from "./context.ts";

type Resolve = (parent: unknown, args: unknown, context: OrdersContext, info: unknown) => Promise<unknown>;

/** The same mutations, each in a span of its own, with its answers counted. */
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

/** An error without a code is a fault of ours, and the client is told so. */
function codeOf(error: unknown): string {
  const code = (error as { extensions?: { code?: unknown } } | null)?.extensions?.code;
  return typeof code === "string" ? code : "INTERNAL_SERVER_ERROR";
}
