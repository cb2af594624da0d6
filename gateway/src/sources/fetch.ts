/** The interface between an engine and subgraphs. A source does not know which engine asks it. */
import type { GraphQLFormattedError } from "graphql";
import type { JsonObject } from "../ground/answer.ts";
import type { RunContext } from "./request-context.ts";

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
  send: (variables: JsonObject, context: RunContext, name: string | undefined) => Promise<FetchAnswer>;
  /** The bytes that it keeps, approximately. */
  weight: number;
}

/** A subgraph, as engines see it. */
export interface Source {
  /** @param text an operation without a name: it serves all clients, whatever they call theirs */
  prepare: (text: string) => PreparedFetch;
}
