/**
 * The graph of one supergraph: the schema that clients see, the query planner, and the operations that were compiled for it. It knows
 * no service's address; where fetches go is the network's affair, which changes on its own (network.ts).
 */
import { type Operation, operationFromDocument, type Schema } from "@apollo/federation-internals";
import { type QueryPlan, QueryPlanner } from "@apollo/query-planner";
import { StartupError } from "@teranga/kit/config.ts";
import { codedError } from "@teranga/kit/errors.ts";
import { inSpanNow } from "@teranga/kit/tracing.ts";
import {
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  type OperationDefinitionNode,
  visit,
} from "graphql";
import { BoundedCache } from "../bounded-cache.ts";
import { inlinedOperation, rootSelections, variableDefinitionsOf, withOneOperation } from "../documents.ts";
import type { Supergraph } from "../graph/supergraph.ts";
import type { Source } from "../sources/fetch.ts";
import { documentBytes } from "../surface/document-store.ts";
import { limitExceeded } from "../surface/limits.ts";
import { compilePlan } from "./compile-plan.ts";
import { type AskedOperation, type DeferredOperation, DeferredOperations } from "./defer-operation.ts";
import { withoutDefer } from "./defer-split.ts";
import { withTypenames } from "./empty-objects.ts";
import { FetchCompiler } from "./fetch-step.ts";
import { FieldNeeds } from "./field-needs.ts";
import { FieldSuppliers } from "./field-suppliers.ts";
import { LiteralsApart } from "./literals-apart.ts";
import { stopAfterFailure } from "./mutation-order.ts";
import { withRootOnce } from "./mutation-root.ts";
import { namesRead, withNamesApart } from "./names-apart.ts";
import { CompiledOperation } from "./operation.ts";
import { withOurSearch } from "./plan-search.ts";
import { withoutStandIns } from "./plan-stand-ins.ts";
import { plannerGraph } from "./planner-graph.ts";
import { ShapeCache } from "./shape-cache.ts";
import type { StandIns } from "./stand-ins.ts";

/** A client has a few dozen operations; beyond that one is planned again. */
const OPERATIONS_MAX = 1_000;
/** Clients that write ids into their documents instead of variables make a new plan each time, as long as they like. */
const OPERATIONS_WEIGHT_MAX = 64 * 1024 * 1024;
const OPERATION_WEIGHT_MAX = 2 * 1024 * 1024;

/** Ways through the subgraphs to one field. The shop has two at most; with 1,000 to each a small operation is planned for seconds. */
const WAYS_MAX = 100;

/** What a compiled operation keeps for a byte of its parsed document, beside the texts of its fetches. */
const COMPILED_FACTOR = 4;
/** And for a field, once the fragments are expanded: they multiply. */
const FIELD_BYTES = 200;

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
  readonly #standIns: StandIns | undefined;
  readonly #needs: FieldNeeds;
  readonly #namesRead: ReadonlySet<string>;
  readonly #suppliers: FieldSuppliers;
  readonly #shapes = new ShapeCache();
  readonly #observer: GraphObserver | undefined;
  readonly #deferred: DeferredOperations;
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
    this.#suppliers = new FieldSuppliers(supergraph);
    try {
      const { supergraph: planned, apiSchema, standIns } = plannerGraph(supergraph);
      this.#standIns = standIns;
      this.#needs = new FieldNeeds(supergraph, standIns);
      this.#namesRead = namesRead(supergraph);
      this.#apiSchema = planned.apiSchema();
      // Nothing is looked for in fragments when real fields are put back.
      this.#planner = new QueryPlanner(planned, {
        reuseQueryFragments: standIns === undefined,
        incrementalDelivery: { enableDefer: true },
        debug: { maxEvaluatedPlans: Number.POSITIVE_INFINITY, pathsLimit: WAYS_MAX },
      });
      this.apiSchema = apiSchema.toGraphQLJSSchema({ includeDefer: true });
    } catch (error) {
      throw new StartupError(`Supergraph: ${(error as Error).message.split("\n")[0]}`);
    }
    this.#deferred = new DeferredOperations({
      schema: this.apiSchema,
      withNamesApart: (document) => withNamesApart(document, this.#namesRead),
      plan: (document, operationName) => this.#plan(document, operationName),
      newFetchCompiler: () => this.#newFetchCompiler(),
      cache: this.#shapes,
      suppliers: this.#suppliers,
    });
  }

  /** How many operations are kept compiled. */
  get operationCount(): number {
    return this.#operations.size + this.#deferred.size;
  }

  /** Whether an operation is known, so that it need not be compiled. */
  isCompiled(asked: AskedOperation): boolean {
    const { operationName, key } = withRootOnce(asked);
    return this.#operations.find(keyOf(operationName, key)) !== undefined;
  }

  /** The same of one that a client takes in parts. */
  isDeferredCompiled(asked: AskedOperation): boolean {
    return this.#deferred.isKnown(withRootOnce(asked));
  }

  /**
   * An operation of a validated document, compiled if it is not known.
   * @throws GraphQLError if the planner refuses it
   */
  operation(asked: AskedOperation): CompiledOperation {
    const { document, operationName, key } = withRootOnce(asked);
    const ownKey = keyOf(operationName, key);
    const known = this.#operations.find(ownKey);
    const startMs = known ? undefined : performance.now();
    const operation = known ?? inSpanNow("gateway.plan", () => this.#compile(document, operationName));
    if (!known) this.#operations.put(ownKey, operation);
    this.#observer?.operationFound(startMs === undefined ? undefined : performance.now() - startMs);
    return operation;
  }

  /**
   * The same of an operation that a client takes in parts; undefined if nothing of it is deferred.
   * @throws GraphQLError if the planner refuses it
   */
  deferredOperation(asked: AskedOperation): DeferredOperation | undefined {
    const found = this.#deferred.find(withRootOnce(asked));
    if (found) this.#observer?.operationFound(found.planMs);
    return found?.operation;
  }

  /** The plan of an operation that is answered at once, to be looked at. */
  planOf(asked: AskedOperation): QueryPlan {
    const { document, operationName } = withRootOnce(asked);
    return this.#plan(this.#atOnce(document), operationName);
  }

  #plan(document: DocumentNode, operationName: string | undefined): QueryPlan {
    // The conditions of a mutation may leave nothing of it (mutation-root.ts).
    const isEmpty = getOperationAST(document, operationName)?.selectionSet.selections.length === 0;
    if (isEmpty) return { kind: "QueryPlan" };
    const asked = withTypenames(withOneOperation(document, operationName));
    const literals = new LiteralsApart(asked, this.apiSchema);
    const operation = operationFromDocument(this.#apiSchema, literals.document);
    return literals.putBack(withoutStandIns(this.#build(operation), this.#standIns));
  }

  #build(operation: Operation): QueryPlan {
    try {
      return withOurSearch(() => this.#planner.buildQueryPlan(operation));
    } catch (error) {
      throw tooManyWays(error) ?? error;
    }
  }

  #compile(document: DocumentNode, operationName: string | undefined): CompiledOperation {
    const planned = this.#atOnce(document);
    const operation = inlinedOperation(planned, operationName);
    const { defaults } = variableDefinitionsOf(operation);
    const around = stopAfterFailure(operation, { schema: this.apiSchema, defaults, cache: this.#shapes });
    const terms = { fetches: this.#newFetchCompiler(), defaults, ...(around && { around }) };
    const queryPlan = this.#plan(planned, operationName);
    if (!queryPlan.node && asksForFields(operation)) {
      // The planner leaves out what nobody can resolve, and the answer would be null without a word.
      const message = "No service can answer what the operation asks for.";
      throw codedError("GRAPHQL_VALIDATION_FAILED", message, { http: { status: 400 } });
    }
    const plan = compilePlan(queryPlan, terms);
    const weight = COMPILED_FACTOR * documentBytes(document) + FIELD_BYTES * fieldCount(operation);
    return new CompiledOperation(operation, plan, {
      schema: this.apiSchema,
      cache: this.#shapes,
      suppliers: this.#suppliers,
      weight,
    });
  }

  #atOnce(document: DocumentNode): DocumentNode {
    return withNamesApart(withoutDefer(document), this.#namesRead);
  }

  #newFetchCompiler(): FetchCompiler {
    return new FetchCompiler(this.#sources, this.supergraph.schema, this.#needs);
  }
}

function keyOf(operationName: string | undefined, key: string): string {
  return operationName === undefined ? key : `${key} ${operationName}`;
}

/** Whether some field at the root is asked for whatever the variables, other than of the schema itself. */
function asksForFields({ selectionSet }: OperationDefinitionNode): boolean {
  for (const { field, conditions } of rootSelections(selectionSet)) {
    if (conditions.length === 0 && !field.name.value.startsWith("__")) return true;
  }
  return false;
}

/** The planner gives up with an error of its own, which has no code. */
function tooManyWays(error: unknown): GraphQLError | undefined {
  const words = /^(?:Too many options generated|Number of non-local selections).* limit of (\d+)/s;
  const found = words.exec((error as Error).message);
  return found ? limitExceeded("ways", Number(found[1]) + 1, Number(found[1])) : undefined;
}

function fieldCount(operation: OperationDefinitionNode): number {
  let count = 0;
  visit(operation, {
    Field: () => {
      count++;
    },
  });
  return count;
}
