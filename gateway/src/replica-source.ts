/** The data source of a subgraph any of whose instances can answer; also of every subgraph of a foreign supergraph. */
import type { GraphQLDataSource } from "@apollo/gateway";
import { REQUEST_ID_HEADER } from "@teranga/kit/server.ts";
import { TransportError } from "@teranga/kit/transport.ts";
import { Kind, OperationTypeNode, parse } from "graphql";
import { errorAt } from "./answer.ts";
import { inlinedOperation } from "./documents.ts";
import { type AskEndpoints, createEndpoints } from "./endpoints.ts";
import type { GatewayContext } from "./request-context.ts";
import {
  contextOf,
  type SourceDependencies,
  type SourceOptions,
  type SourceResponse,
  subgraphUnavailable,
} from "./source.ts";

export class ReplicaSource implements GraphQLDataSource<GatewayContext> {
  readonly #subgraph: string;
  readonly #dependencies: SourceDependencies;
  readonly #ask: AskEndpoints;

  /** @param urls the instances, nearest first */
  constructor(subgraph: string, urls: readonly string[], dependencies: SourceDependencies) {
    this.#subgraph = subgraph;
    this.#dependencies = dependencies;
    this.#ask = createEndpoints({ ...dependencies, urls });
  }

  async process(options: SourceOptions): Promise<SourceResponse> {
    const { query = "", operationName, variables } = options.request;
    const context = contextOf(options);
    if (context.unavailable.has(this.#subgraph)) return this.#failure(options);
    this.#dependencies.onSubgraphRequest?.({ subgraph: this.#subgraph, operation: query });
    try {
      const headers = { [REQUEST_ID_HEADER]: context.requestId };
      const mayRepeat = !query.startsWith(OperationTypeNode.MUTATION);
      const answer = await this.#ask({ query, operationName, variables }, { mayRepeat, headers });
      return { data: answer.data ?? null, ...(answer.errors?.length && { errors: answer.errors }) };
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      context.unavailable.add(this.#subgraph);
      context.log.warn({ subgraph: this.#subgraph, reason: error.message }, "a subgraph does not answer");
      return this.#failure(options);
    }
  }

  /** Null and an error for each thing that was asked for, so that a client sees what is missing and why. */
  #failure({ request }: SourceOptions): SourceResponse {
    const error = subgraphUnavailable(this.#subgraph);
    const representations: unknown = request.variables?.representations;
    if (Array.isArray(representations)) {
      const errors = representations.map((_, index) => errorAt(error, ["_entities", index]));
      return { data: { _entities: representations.map(() => null) }, errors };
    }
    const names = inlinedOperation(parse(request.query!)).selectionSet.selections.flatMap((selection) =>
      selection.kind === Kind.FIELD ? [selection.alias?.value ?? selection.name.value] : [],
    );
    if (names.length === 0) return { data: null, errors: [errorAt(error, [])] };
    const data = Object.fromEntries(names.map((name) => [name, null]));
    return { data, errors: names.map((name) => errorAt(error, [name])) };
  }
}
