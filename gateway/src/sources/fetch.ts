/** What a compiled plan and the subgraphs have to do with one another. */
import type { GraphQLFormattedError, OperationTypeNode } from "graphql";
import type { JsonObject } from "../ground/answer.ts";
import type { GatewayContext } from "./request-context.ts";

/** One fetch of a query plan. */
export interface FetchOperation {
  /** Without a name: a plan is made once for all clients, whatever they call the operation. */
  text: string;
  kind: OperationTypeNode;
}

/** A subgraph's answer to one fetch. `data` is the caller's own, to change as it likes. */
export interface FetchAnswer {
  data: JsonObject | null;
  /** Paths as the fetch has them: an entity's begins with `_entities` and its index. */
  errors: readonly GraphQLFormattedError[];
}

/** A fetch that has been looked at once and for all; it holds for every network. */
export interface PreparedFetch {
  /**
   * Never throws for what happens at the services: that is an error in the answer.
   * @param name what services are told that the fetch is called; nothing by default
   */
  send: (variables: JsonObject, context: GatewayContext, name: string | undefined) => Promise<FetchAnswer>;
  /** About how many bytes it keeps. */
  weight: number;
}

/** One subgraph, as plans see it. */
export interface Source {
  prepare: (operation: FetchOperation) => PreparedFetch;
}
