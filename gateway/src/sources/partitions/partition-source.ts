/** A partitioned subgraph: one subgraph to the query planner, with many services behind it. */
import type { JsonObject } from "../../ground/answer.ts";
import { withDefaults } from "../../ground/documents.ts";
import type { PartitionNetwork } from "../../network/network.ts";
import type { RunContext } from "../request-context.ts";
import { askPlace, type FetchAnswer, type PreparedFetch, type Source } from "../source.ts";
import { fetchEntities } from "./entity-fetch.ts";
import { fetchRootFields } from "./field-fetch.ts";
import { type OperationPlan, planOperation, planWeight } from "./operation-plan.ts";
import type { PartitionRun } from "./partition-run.ts";
import type { PartitionSpec } from "./partition-spec.ts";

export class PartitionSource implements Source {
  readonly #spec: PartitionSpec;

  constructor(spec: PartitionSpec) {
    this.#spec = spec;
  }

  prepare(text: string): PreparedFetch {
    const plan = planOperation(text, this.#spec);
    return {
      weight: planWeight(plan),
      send: (variables, context, name) => this.#send(plan, this.#startRun(plan, variables, context, name)),
    };
  }

  async #send(plan: OperationPlan, run: PartitionRun): Promise<FetchAnswer> {
    switch (plan.root.kind) {
      case "entities": {
        const representations = run.variables.representations as JsonObject[];
        const { entities, errors } = await fetchEntities(plan.root, representations, run);
        const located = errors.map((error) => ({ ...error, path: ["_entities", ...(error.path ?? [])] }));
        return { data: { _entities: entities }, errors: located };
      }
      case "fields":
        return fetchRootFields(plan.root, plan.variables, run);
      default:
        return plan.root satisfies never;
    }
  }

  #startRun(
    { variables, tokenNames }: OperationPlan,
    given: JsonObject,
    context: RunContext,
    operationName: string | undefined,
  ): PartitionRun {
    const spec = this.#spec;
    const { subgraph } = spec;
    const placement = context.network.placements.get(subgraph) as PartitionNetwork;
    return {
      spec,
      operationName,
      partitionIds: placement.partitionIds,
      partitionOf: placement.partitionOf,
      given,
      variables: withDefaults(variables, given),
      tokenNames,
      budget: context.budget,
      ask: (partition, request, terms) =>
        askPlace({ subgraph, partition }, placement.ask.get(partition)!, request, terms, context),
    };
  }
}
