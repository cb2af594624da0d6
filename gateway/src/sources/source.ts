/** What the sources of all placements have in common. */
import { codedError, type ErrorCode, unavailableCode } from "@teranga/kit/errors.ts";
import { REQUEST_ID_HEADER } from "@teranga/kit/server.ts";
import type { GraphQLError } from "graphql";
import type { AskTerms } from "../network/network.ts";
import type { GatewayContext } from "../request-context.ts";

/** One request that is about to be sent to a service. */
export interface SentRequest {
  subgraph: string;
  partition?: string;
  operation: string;
}

/** What every source needs. */
export interface SourceDependencies {
  onSubgraphRequest?: ((request: SentRequest) => void) | undefined;
}

/** For a partition that does not answer. It says which, never where it is. */
export function partitionUnavailable(subgraph: string, partition: string): GraphQLError {
  const code = unavailableCode(subgraph) as ErrorCode;
  return codedError(code, `The ${subgraph} "${partition}" is unavailable.`, { [subgraph]: partition });
}

/** For a replicated subgraph none of whose instances answers. */
export function subgraphUnavailable(subgraph: string): GraphQLError {
  return codedError("SUBGRAPH_UNAVAILABLE", `The service "${subgraph}" is unavailable.`, { subgraph });
}

/** How the services are asked on behalf of a client's request. */
export function askTerms(context: GatewayContext, mayRepeat: boolean): AskTerms {
  const { requestId, forwardedHeaders, record } = context;
  const deadlineAtMs = Math.min(context.deadlineAtMs, performance.now() + context.fetchDeadlineMs);
  const headers = { ...forwardedHeaders, [REQUEST_ID_HEADER]: requestId };
  return { mayRepeat, headers, deadlineAtMs, onFetched: record.fetched };
}
