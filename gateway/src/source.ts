/** What the data sources of all placements have in common. */
import type { GraphQLDataSource } from "@apollo/gateway";
import { codedError, type ErrorCode, unavailableCode } from "@teranga/kit/errors.ts";
import type { Logger } from "@teranga/kit/log.ts";
import type { Send } from "@teranga/kit/transport.ts";
import type { GraphQLError } from "graphql";
import type { GatewayContext } from "./request-context.ts";

export type SourceOptions = Parameters<GraphQLDataSource<GatewayContext>["process"]>[0];
export type SourceResponse = Awaited<ReturnType<GraphQLDataSource<GatewayContext>["process"]>>;

/** One request that is about to be sent to a service. */
export interface SentRequest {
  subgraph: string;
  partition?: string;
  operation: string;
}

/** What every data source needs. */
export interface SourceDependencies {
  send: Send;
  /** How long one request to a service may take. */
  deadlineMs: number;
  nowMs: () => number;
  log: Logger;
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

/** The client request's context. Sources exist only behind a running gateway, which always gives one. */
export function contextOf(options: SourceOptions): GatewayContext {
  return options.context as GatewayContext;
}
