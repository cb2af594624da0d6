/**
 * Explains to developers how an answer was made. With the header below, `extensions.explain` of the answer
 * has the plan and each fetch with its city, duration and result. In development only: it shows how the graph
 * is divided and where its services are slow.
 */
import type { ApolloServerPlugin, GraphQLRequestListener } from "@apollo/server";
import type { RequestContext } from "../sources/request-context.ts";
import type { RequestRecord } from "../sources/request-record.ts";

/** The header asks for an explanation if its value is `true`. */
export const EXPLAIN_HEADER = "x-explain";

const listener: GraphQLRequestListener<RequestContext> = {
  async willSendResponse({ response: { body }, contextValue }) {
    if (body.kind !== "single" || !contextValue.record.explanation) return;
    const result = body.singleResult;
    result.extensions = { ...result.extensions, explain: explanationOf(contextValue.record) };
  },
};

export const explainAnswers: ApolloServerPlugin<RequestContext> = { requestDidStart: async () => listener };

function explanationOf({ explanation, durationMs }: RequestRecord) {
  const { plan = null, fetches, fetchesNotListed } = explanation!;
  return {
    durationMs: rounded(durationMs),
    plan,
    fetches: fetches.map(({ endedAtMs, durationMs, ...fetch }) => ({
      ...fetch,
      startMs: rounded(endedAtMs - durationMs),
      durationMs: rounded(durationMs),
    })),
    ...(fetchesNotListed > 0 && { fetchesNotListed }),
  };
}

/** Rounds to microseconds. */
function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1_000) / 1_000;
}
