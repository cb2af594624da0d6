/** The data source of a partitioned subgraph: one subgraph to the query planner, many services behind it. */
import type { GraphQLDataSource } from "@apollo/gateway";
import { REQUEST_ID_HEADER } from "@teranga/kit/server.ts";
import type { PartitionPlacement } from "@teranga/kit/topology.ts";
import { TransportError } from "@teranga/kit/transport.ts";
import type { AnsweredPart, JsonObject } from "./answer.ts";
import { BoundedCache } from "./bounded-cache.ts";
import { withDefaults } from "./documents.ts";
import { type AskEndpoints, createEndpoints } from "./endpoints.ts";
import { fetchEntities } from "./entity-fetch.ts";
import { fetchFields } from "./field-fetch.ts";
import { type OperationPlan, planLength, planOperation } from "./operation-plan.ts";
import type { AskTerms, PartitionRun } from "./partition-run.ts";
import type { PartitionSpec } from "./partition-spec.ts";
import type { GatewayContext } from "./request-context.ts";
import { takenErrors } from "./service-errors.ts";
import {
  contextOf,
  partitionUnavailable,
  type SourceDependencies,
  type SourceOptions,
  type SourceResponse,
} from "./source.ts";

/** A client has a few dozen operations and each comes to a few texts; beyond that a text is planned again. */
const PLANS_MAX = 1_000;
/** A client that writes ids into its documents instead of variables makes a new plan each time, as long as it likes. */
const PLANS_LENGTH_MAX = 16 * 1024 * 1024;
/** The text of an operation, and about as much again for the texts that it comes to. */
const PLAN_LENGTH_MAX = 128 * 1024;

export class PartitionSource implements GraphQLDataSource<GatewayContext> {
  readonly #placement: PartitionPlacement;
  readonly #spec: PartitionSpec;
  readonly #dependencies: SourceDependencies;
  readonly #plans = new BoundedCache<OperationPlan>({
    entriesMax: PLANS_MAX,
    weigh: (text, plan) => text.length + planLength(plan),
    weightMax: PLANS_LENGTH_MAX,
    entryWeightMax: PLAN_LENGTH_MAX,
  });
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
      variables: withDefaults(variables, options.request.variables),
      tokenNames,
      budget: context.budget,
      ask: (partition, request, terms) => this.#ask(partition, request, terms, context),
    };
  }

  async #ask(
    partition: string,
    request: Parameters<PartitionRun["ask"]>[1],
    { mayRepeat, isWhole }: AskTerms,
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
      const { data = null, errors } = await this.#endpoints.get(partition)!(request, { mayRepeat, headers });
      const answer: AnsweredPart = { kind: "answered", data, errors: takenErrors(errors) };
      if (!isWhole(answer)) throw new TransportError("unknown", "answered something else than was asked for");
      return answer;
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      context.unavailable.add(id);
      context.log.warn({ subgraph, partition, reason: error.message }, "a partition does not answer");
      return { kind: "failed", error: partitionUnavailable(subgraph, partition) };
    }
  }
}
