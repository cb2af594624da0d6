/**
 * The graph of one supergraph: the schema that clients see, the query planner, and the operations that were compiled for it. It knows
 * no service's address; where fetches go is the network's affair, which changes on its own (network.ts).
 */
import {
  operationFromDocument,
  Supergraph as PlannerSupergraph,
  type Schema,
} from "@apollo/federation-internals";
import { type QueryPlan, QueryPlanner } from "@apollo/query-planner";
import { StartupError } from "@teranga/kit/config.ts";
import { codedError } from "@teranga/kit/errors.ts";
import { inSpanNow } from "@teranga/kit/tracing.ts";
import type { DocumentNode, GraphQLSchema, OperationDefinitionNode } from "graphql";
import { BoundedCache } from "../bounded-cache.ts";
import { documentBytes } from "../document-store.ts";
import { inlinedOperation, rootSelections, variableDefinitionsOf } from "../documents.ts";
import type { Source } from "../fetch.ts";
import type { Supergraph } from "../supergraph.ts";
import { compilePlan } from "./compile-plan.ts";
import { FetchCompiler } from "./fetch-step.ts";
import { CompiledOperation } from "./operation.ts";

/** A client has a few dozen operations; beyond that one is planned again. */
const OPERATIONS_MAX = 1_000;
/** Clients that write ids into their documents instead of variables make a new plan each time, as long as they like. */
const OPERATIONS_WEIGHT_MAX = 64 * 1024 * 1024;
const OPERATION_WEIGHT_MAX = 2 * 1024 * 1024;

/** What a compiled operation keeps for a byte of its parsed document, beside the texts of its fetches. */
const COMPILED_FACTOR = 4;

export interface GraphObserver {
  /** An operation was looked up. @param planMs how long it took to plan and compile, if it was not known */
  operationFound(planMs: number | undefined): void;
}

export class Graph {
  readonly supergraph: Supergraph;
  /** What clients see. */
  readonly apiSchema: GraphQLSchema;
  readonly #sources: ReadonlyMap<string, Source>;
  readonly #apiSchema: Schema;
  readonly #planner: QueryPlanner;
  readonly #observer: GraphObserver | undefined;
  readonly #operations = new BoundedCache<CompiledOperation>({
    entriesMax: OPERATIONS_MAX,
    weightMax: OPERATIONS_WEIGHT_MAX,
    entryWeightMax: OPERATION_WEIGHT_MAX,
    weigh: (_, operation) => operation.weight,
  });

  /** @param sources by subgraph. @throws StartupError with one line if the text is not a supergraph */
  constructor(supergraph: Supergraph, sources: ReadonlyMap<string, Source>, observer?: GraphObserver) {
    this.supergraph = supergraph;
    this.#sources = sources;
    this.#observer = observer;
    try {
      const planned = PlannerSupergraph.build(supergraph.sdl);
      this.#apiSchema = planned.apiSchema();
      this.#planner = new QueryPlanner(planned);
      this.apiSchema = this.#apiSchema.toGraphQLJSSchema();
    } catch (error) {
      throw new StartupError(`Supergraph: ${(error as Error).message.split("\n")[0]}`);
    }
  }

  /** How many operations are kept compiled. */
  get operationCount(): number {
    return this.#operations.size;
  }

  /**
   * An operation of a validated document, compiled if it is not known.
   * @param key stands for the document
   * @throws GraphQLError if the planner refuses it
   */
  operation(document: DocumentNode, operationName: string | undefined, key: string): CompiledOperation {
    const ownKey = operationName === undefined ? key : `${key} ${operationName}`;
    const known = this.#operations.find(ownKey);
    const startMs = known ? undefined : performance.now();
    const operation = known ?? inSpanNow("gateway.plan", () => this.#compile(document, operationName));
    if (!known) this.#operations.put(ownKey, operation);
    this.#observer?.operationFound(startMs === undefined ? undefined : performance.now() - startMs);
    return operation;
  }

  /** The plan of an operation, to be looked at. */
  planOf(document: DocumentNode, operationName: string | undefined): QueryPlan {
    const options = operationName === undefined ? {} : { operationName };
    return this.#planner.buildQueryPlan(operationFromDocument(this.#apiSchema, document, options));
  }

  #compile(document: DocumentNode, operationName: string | undefined): CompiledOperation {
    const operation = inlinedOperation(document, operationName);
    const { defaults } = variableDefinitionsOf(operation);
    const fetches = new FetchCompiler(this.#sources, this.supergraph.schema);
    const terms = { fetches, defaults };
    const queryPlan = this.planOf(document, operationName);
    if (!queryPlan.node && asksForFields(operation)) {
      // The planner leaves out what nobody can resolve, and the answer would be null without a word.
      const message = "No service can answer what the operation asks for.";
      throw codedError("GRAPHQL_VALIDATION_FAILED", message, { http: { status: 400 } });
    }
    const plan = compilePlan(queryPlan, terms);
    return new CompiledOperation(operation, this.apiSchema, plan, COMPILED_FACTOR * documentBytes(document));
  }
}

/** Whether some field at the root is asked for whatever the variables, other than of the schema itself. */
function asksForFields({ selectionSet }: OperationDefinitionNode): boolean {
  for (const { field, conditions } of rootSelections(selectionSet)) {
    if (conditions.length === 0 && !field.name.value.startsWith("__")) return true;
  }
  return false;
}
