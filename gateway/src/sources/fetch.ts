/** The interface between compiled plans and subgraphs. */
import type { GraphQLFormattedError, OperationTypeNode } from "graphql";
import type { JsonObject } from "../ground/answer.ts";
import type { GatewayContext } from "./request-context.ts";

/** One fetch of a query plan. */
export interface FetchOperation {
  /** The text has no name: one plan serves all clients, whatever they call the operation. */
  text: string;
  kind: OperationTypeNode;
}

/** A subgraph's answer to one fetch. The caller owns `data` and may change it. */
export interface FetchAnswer {
  data: JsonObject | null;
  /** Paths are those of the fetch: an entity's path begins with `_entities` and its index. */
  errors: readonly GraphQLFormattedError[];
}

/** A fetch that was prepared once, for every network. */
export interface PreparedFetch {
  /**
   * Never throws for what happens at the services: such a failure is an error in the answer.
   * @param name the operation name that services are told; no name if undefined
   */
  send: (variables: JsonObject, context: GatewayContext, name: string | undefined) => Promise<FetchAnswer>;
  /** The bytes that it keeps, approximately. */
  weight: number;
}

/** A subgraph, as plans see it. */
export interface Source {
  prepare: (operation: FetchOperation) => PreparedFetch;
}
