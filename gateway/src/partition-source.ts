/** The data source of a partitioned subgraph: one subgraph to the query planner, many services behind it. */
import type { GraphQLDataSource } from "@apollo/gateway";
import { REQUEST_ID_HEADER } from "@teranga/kit/server.ts";
import type { PartitionPlacement } from "@teranga/kit/topology.ts";
import { TransportError } from "@teranga/kit/transport.ts";
import type { JsonObject } from "./answer.ts";
import { BoundedCache } from "./bounded-cache.ts";
import { type AskEndpoints, createEndpoints } from "./endpoints.ts";
import { fetchEntities } from "./entity-fetch.ts";
import { fetchFields } from "./field-fetch.ts";
import { type OperationPlan, planOperation } from "./operation-plan.ts";
import type { PartitionRun } from "./partition-run.ts";
import type { PartitionSpec } from "./partition-spec.ts";
import type { GatewayContext } from "./request-context.ts";
import {
  contextOf,
  partitionUnavailable,
  type SourceDependencies,
  type SourceOptions,
  type SourceResponse,
} from "./source.ts";

/** A client has a few dozen operations and each comes to a few texts; beyond that a text is planned again. */
const PLANS_MAX = 1_000;

export class PartitionSource implements GraphQLDataSource<GatewayContext> {
  readonly #placement: PartitionPlacement;
  readonly #spec: PartitionSpec;
  readonly #dependencies: SourceDependencies;
  readonly #plans = new BoundedCache<OperationPlan>(PLANS_MAX);
  readonly #endpoints: ReadonlyMap<string, AskEndpoints>;

  constructor(placement: PartitionPlacement, spec: PartitionSpec, dependencies: SourceDependencies) {
    this.#placement = placement;
    this.#spec = spec;
    this.#dependencies = dependencies;
    this.#endpoints = new Map(
      placement.partitions.map(({ id, urls }) => [id, createEndpoints({ ...dependencies, urls })]),
    );
  }

  async process(options: SourceOptions): Promise<SourceResponse> {
    const text = options.request.query!;
    const plan = this.#plans.get(text, () => planOperation(text, this.#spec));
    const run = this.#startRun(plan, options);
    switch (plan.root.kind) {
      case "entities": {
        const representations = run.variables.representations as JsonObject[];
        const { entities, errors } = await fetchEntities(plan.root, representations, run);
        const located = errors.map((error) => ({ ...error, path: ["_entities", ...(error.path ?? [])] }));
        return { data: { _entities: entities }, ...(located.length > 0 && { errors: located }) };
      }
      case "fields": {
        const { data, errors } = await fetchFields(plan.root, plan.variables, run);
        return { data, ...(errors.length > 0 && { errors }) };
      }
      default:
        return plan.root satisfies never;
    }
  }

  #startRun({ variables, tokenNames }: OperationPlan, options: SourceOptions): PartitionRun {
    const context = contextOf(options);
    return {
      spec: this.#spec,
      partitionIds: this.#placement.partitions.map(({ id }) => id),
      partitionOf: this.#placement.partitionOf,
      variables: { ...variables.defaults, ...options.request.variables },
      tokenNames,
      ask: (partition, request, mayRepeat) => this.#ask(partition, request, mayRepeat, context),
    };
  }

  async #ask(
    partition: string,
    request: Parameters<PartitionRun["ask"]>[1],
    mayRepeat: boolean,
    context: GatewayContext,
  ): ReturnType<PartitionRun["ask"]> {
    const { subgraph } = this.#placement;
    const id = `${subgraph}/${partition}`;
    if (context.unavailable.has(id)) {
      return { kind: "failed", error: partitionUnavailable(subgraph, partition) };
    }
    this.#dependencies.onSubgraphRequest?.({ subgraph, partition, operation: request.query });
    try {
      const headers = { [REQUEST_ID_HEADER]: context.requestId };
      const answer = await this.#endpoints.get(partition)!(request, { mayRepeat, headers });
      return { kind: "answered", data: answer.data ?? null, errors: answer.errors ?? [] };
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      context.unavailable.add(id);
      context.log.warn({ subgraph, partition, reason: error.message }, "a partition does not answer");
      return { kind: "failed", error: partitionUnavailable(subgraph, partition) };
    }
  }
}
