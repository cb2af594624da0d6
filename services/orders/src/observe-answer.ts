/** Observes the orchestrator's answers, outside the mutations' own code. */
import { ATTRIBUTE, inSpan } from "@teranga/kit/process/tracing.ts";
import type { OrderMetrics } from "./metrics.ts";

/** Answers a mutation in a span of its own, and counts the answer. */
export function observeAnswer<Answer extends { __typename?: string }>(
  mutation: string,
  { metrics }: { metrics: OrderMetrics },
  resolve: () => Promise<Answer>,
): Promise<Answer> {
  return inSpan(mutation, {}, async (span) => {
    const finish = (result: string) => {
      metrics.answered(mutation, result);
      span.setAttribute(ATTRIBUTE.result, result);
    };
    try {
      const answer = await resolve();
      finish(answer.__typename!);
      return answer;
    } catch (error) {
      finish(codeOf(error));
      throw error;
    }
  });
}

/** An error without a code is a fault of ours, and the client is told so. */
function codeOf(error: unknown): string {
  const code = (error as { extensions?: { code?: unknown } } | null)?.extensions?.code;
  return typeof code === "string" ? code : "INTERNAL_SERVER_ERROR";
}
