/** A partitioned subgraph: one subgraph to the query planner, with many services behind it. */
import type { SubgraphRequest } from "@teranga/kit/http/transport.ts";
import { TransportError } from "@teranga/kit/http/transport.ts";
import { type AnsweredPart, copyJson, type JsonObject, type PartAnswer } from "../../ground/answer.ts";
import { withDefaults } from "../../ground/documents.ts";
import { takenErrors } from "../../ground/service-errors.ts";
import type { PartitionNetwork } from "../../network/network.ts";
import type { RunContext } from "../request-context.ts";
import type { FetchAnswer, PreparedFetch, Source } from "../source.ts";
import { askTerms, isAway, noAnswer } from "../source.ts";
import { fetchEntities } from "./entity-fetch.ts";
import { fetchRootFields } from "./field-fetch.ts";
import { type OperationPlan, planOperation, planWeight } from "./operation-plan.ts";
import type { PartitionRun, PartTerms } from "./partition-run.ts";
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
    const placement = context.network.placements.get(this.#spec.subgraph) as PartitionNetwork;
    return {
      spec: this.#spec,
      operationName,
      partitionIds: placement.partitionIds,
      partitionOf: placement.partitionOf,
      given,
      variables: withDefaults(variables, given),
      tokenNames,
      budget: context.budget,
      ask: (partition, request, terms) => this.#ask(placement, partition, request, terms, context),
    };
  }

  async #ask(
    placement: PartitionNetwork,
    partition: string,
    request: SubgraphRequest,
    { mayRepeat, isWhole }: PartTerms,
    context: RunContext,
  ): Promise<PartAnswer> {
    const { subgraph } = this.#spec;
    const id = `${subgraph}/${partition}`;
    if (context.unavailable.has(id)) {
      return { kind: "failed", error: noAnswer({ subgraph, partition }) };
    }
    try {
      const sent = { subgraph, partition, operation: request.query };
      const taken = await placement.ask.get(partition)!(request, askTerms(context, sent, mayRepeat));
      const { data = null, errors, shared } = taken;
      const answer: AnsweredPart = { kind: "answered", data, errors: takenErrors(errors) };
      if (!isWhole(answer)) throw new TransportError("unknown", "answered something else than was asked for");
      return shared ? { ...answer, data: copyJson(data) as JsonObject | null } : answer;
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      if (isAway(error)) context.unavailable.add(id);
      context.log.warn({ subgraph, partition, reason: error.message }, "a partition does not answer");
      return { kind: "failed", error: noAnswer({ subgraph, partition }, { error, mayRepeat }) };
    }
  }
}
