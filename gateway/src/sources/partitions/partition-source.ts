/** A partitioned subgraph: one subgraph to the query planner, with many services behind it. */
import type { IsProtected } from "../../authorization/protected-fetches.ts";
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

/** One time that a fetch is sent. */
interface Sending {
  given: JsonObject;
  context: RunContext;
  name: string | undefined;
  isProtected: boolean;
}

export class PartitionSource implements Source {
  readonly #spec: PartitionSpec;
  readonly #isProtected: IsProtected;

  constructor(spec: PartitionSpec, isProtected: IsProtected) {
    this.#spec = spec;
    this.#isProtected = isProtected;
  }

  prepare(text: string): PreparedFetch {
    const plan = planOperation(text, this.#spec);
    // Its parts, and what follows them over crossings, are protected together.
    const isProtected = this.#isProtected(text);
    return {
      weight: planWeight(plan),
      send: (given, context, name) =>
        this.#send(plan, this.#startRun(plan, { given, context, name, isProtected })),
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
    { given, context, name, isProtected }: Sending,
  ): PartitionRun {
    const spec = this.#spec;
    const { subgraph } = spec;
    const placement = context.network.placements.get(subgraph) as PartitionNetwork;
    return {
      spec,
      operationName: name,
      partitionIds: placement.partitionIds,
      partitionOf: placement.partitionOf,
      given,
      variables: withDefaults(variables, given),
      tokenNames,
      budget: context.budget,
      ask: (partition, request, terms) =>
        askPlace(
          { subgraph, partition },
          placement.ask.get(partition)!,
          request,
          { ...terms, isProtected },
          context,
        ),
    };
  }
}
