/**
 * The graph of one supergraph: the schema that clients see, the query planner, and the operations compiled
 * for it. It knows no service's address. The network decides where fetches go and changes independently
 * (network.ts).
 */
import type { QueryPlan } from "@apollo/query-planner";
import { codedError } from "@teranga/kit/graphql/errors.ts";
import { StartupError } from "@teranga/kit/process/config.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { inSpan } from "@teranga/kit/process/tracing.ts";
import { type DocumentNode, type GraphQLSchema, type OperationDefinitionNode, visit } from "graphql";
import { compilePlan } from "../execution/compile-plan.ts";
import {
  type DeferredOperation,
  DeferredOperations,
  type ToPlan,
} from "../execution/defer/defer-operation.ts";
import { withoutDefer } from "../execution/defer/defer-split.ts";
import { FetchCompiler } from "../execution/fetch-step.ts";
import { FieldNeeds } from "../execution/field-needs.ts";
import { FieldSuppliers } from "../execution/field-suppliers.ts";
import { stopAfterFailure } from "../execution/mutation-order.ts";
import { CompiledOperation } from "../execution/operation.ts";
import { PartCache } from "../execution/part-cache.ts";
import { ShapeCache } from "../execution/shape/shape-cache.ts";
import { BoundedCache } from "../ground/bounded-cache.ts";
import { inlinedOperation, rootSelections, variableDefinitionsOf } from "../ground/documents.ts";
import { expandedBytes, operationsBytesMax, partsBytesMax } from "../ground/kept-bytes.ts";
import { DEFAULT_LIMITS, type Limits } from "../ground/limits.ts";
import {
  type AskedOperation,
  isNamelessKnown,
  type NamelessOperation,
  namelessOperation,
} from "../ground/nameless-operation.ts";
import { namesRead, withNamesApart } from "../ground/names-apart.ts";
import type { Supergraph } from "../ground/supergraph.ts";
import { onThisThread } from "../ground/turns.ts";
import { UnderWay } from "../ground/under-way.ts";
import type { Source } from "../sources/fetch.ts";
import { withRootOnce } from "./mutation-root.ts";
import { Planner } from "./planner.ts";
import { SideThread } from "./side-thread.ts";

/** A client has a few dozen operations. An operation that no longer fits is planned again. */
const OPERATIONS_MAX = 1_000;

/**
 * The fields, with fragments expanded, of the largest operation that is planned on the thread that answers
 * requests: 50 ms at most.
 */
const NEAR_FIELDS_MAX = 150;

export interface GraphObserver {
  /**
   * Called when an operation was looked up.
   * @param planMs the time to plan and compile it; undefined if it was kept
   */
  operationFound(planMs: number | undefined): void;
}

export interface GraphTerms {
  observer?: GraphObserver | undefined;
  /** The limits of documents, which bound what is kept. */
  limits?: Pick<Limits, "tokensMax"> | undefined;
  log?: Logger | undefined;
}

export class Graph {
  readonly supergraph: Supergraph;
  /** The schema that clients see. */
  readonly apiSchema: GraphQLSchema;
  /** The thread that validates and plans large operations. */
  readonly sideThread: SideThread;
  readonly #sources: ReadonlyMap<string, Source>;
  readonly #planner: Planner;
  readonly #needs: FieldNeeds;
  readonly #namesRead: ReadonlySet<string>;
  readonly #suppliers: FieldSuppliers;
  readonly #shapes = new ShapeCache();
  readonly #parts: PartCache;
  readonly #observer: GraphObserver | undefined;
  readonly #deferred: DeferredOperations;
  readonly #operations: BoundedCache<CompiledOperation>;
  readonly #compiling = new UnderWay<CompiledOperation>();

  /**
   * @param sources by subgraph
   * @throws StartupError, one line, if the text is not a supergraph
   */
  constructor(
    supergraph: Supergraph,
    sources: ReadonlyMap<string, Source>,
    { observer, limits = DEFAULT_LIMITS, log }: GraphTerms = {},
  ) {
    this.supergraph = supergraph;
    this.#sources = sources;
    this.#observer = observer;
    this.#suppliers = new FieldSuppliers(supergraph);
    this.#parts = new PartCache(partsBytesMax(limits));
    const weightMax = operationsBytesMax(limits);
    this.#operations = new BoundedCache({
      entriesMax: OPERATIONS_MAX,
      weightMax,
      weigh: (_, operation) => operation.weight,
    });
    try {
      this.#planner = new Planner(supergraph);
      this.sideThread = new SideThread(supergraph.sdl, { log });
      this.#needs = new FieldNeeds(supergraph, this.#planner.standIns);
      this.#namesRead = namesRead(supergraph);
      this.apiSchema = this.#planner.apiSchema;
    } catch (error) {
      throw new StartupError(`Supergraph: ${(error as Error).message.split("\n")[0]}`);
    }
    this.#deferred = new DeferredOperations({
      schema: this.apiSchema,
      withNamesApart: (document) => withNamesApart(document, this.#namesRead),
      compiled: (size, prepare) => this.#compiled(size, prepare),
      newFetchCompiler: () => this.#newFetchCompiler(),
      cache: this.#shapes,
      suppliers: this.#suppliers,
      weightMax,
    });
  }

  /** How many compiled operations are kept. */
  get operationCount(): number {
    return this.#operations.size + this.#deferred.size;
  }

  /**
   * The compiled form of an operation of a validated document. It is compiled if it is not kept.
   * @throws GraphQLError if the planner refuses it, or too many operations are waiting to be planned
   */
  async operation(asked: AskedOperation): Promise<CompiledOperation> {
    const nameless = isNamelessKnown(asked) ? prepared(asked) : await preparedInTurn(asked);
    const known = this.#operations.find(nameless.key);
    if (known) {
      this.#observer?.operationFound(undefined);
      return known;
    }
    const startMs = performance.now();
    const operation = await this.#compiling.get(nameless.key, async () => {
      const compiled = await inSpan("gateway.plan", {}, () => this.#compile(nameless));
      this.#operations.put(nameless.key, compiled);
      return compiled;
    });
    this.#observer?.operationFound(performance.now() - startMs);
    return operation;
  }

  /**
   * The same for an operation that a client takes in parts. Undefined if nothing of it is deferred.
   * @throws GraphQLError if the planner refuses it, or too many operations are waiting to be planned
   */
  async deferredOperation(asked: AskedOperation): Promise<DeferredOperation | undefined> {
    const nameless = isNamelessKnown(asked) ? prepared(asked) : await preparedInTurn(asked);
    const found = await this.#deferred.find(nameless, asked.variables);
    if (found) this.#observer?.operationFound(found.planMs);
    return found?.operation;
  }

  /** The plan of an operation that is answered at once, for inspection. */
  planOf(asked: AskedOperation): QueryPlan {
    return this.#planner.plan(this.#atOnce(prepared(asked).document));
  }

  #compile({ document, size, treeBytes }: NamelessOperation): Promise<CompiledOperation> {
    return this.#compiled(size, () => {
      const planned = this.#atOnce(document);
      const operation = inlinedOperation(planned);
      const weight = treeBytes + expandedBytes(operation);
      return { planned, operation, finish: (plan) => this.#compileAs(operation, plan, weight) };
    });
  }

  /** Compiles in pieces with turns of the event loop between them. A small operation is one piece. */
  async #compiled<Compiled>(size: number, prepare: () => ToPlan<Compiled>): Promise<Compiled> {
    const first = await onThisThread.next(size, () => {
      const { planned, operation, finish } = prepare();
      if (!planned) return { compiled: finish({ kind: "QueryPlan" }) };
      if (fieldCount(operation) > NEAR_FIELDS_MAX) return { planned, finish };
      return { compiled: finish(this.#planner.plan(planned)) };
    });
    if ("compiled" in first) return first.compiled;
    const plan = await this.sideThread.plan(first.planned);
    return onThisThread.next(size, () => first.finish(plan));
  }

  #compileAs(operation: OperationDefinitionNode, queryPlan: QueryPlan, weight: number): CompiledOperation {
    const { defaults } = variableDefinitionsOf(operation);
    const around = stopAfterFailure(operation, { schema: this.apiSchema, defaults, cache: this.#shapes });
    const terms = { fetches: this.#newFetchCompiler(), defaults, ...(around && { around }) };
    if (!queryPlan.node && asksForFields(operation)) {
      // The planner leaves out fields that no service can resolve, and the answer would be null without an
      // error.
      const message = "No service can answer what the operation asks for.";
      throw codedError("GRAPHQL_VALIDATION_FAILED", message, { http: { status: 400 } });
    }
    const plan = compilePlan(queryPlan, terms);
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
    const { schema } = this.supergraph;
    return new FetchCompiler({ sources: this.#sources, schema, needs: this.#needs, parts: this.#parts });
  }
}

/** Preparing walks the whole document the first time, so it waits for its turn. */
const preparedInTurn = (asked: AskedOperation): Promise<NamelessOperation> =>
  onThisThread.next(asked.document.tokenCount ?? 0, () => prepared(asked));

/** The form in which an operation is compiled. */
function prepared(asked: AskedOperation): NamelessOperation {
  return withRootOnce(namelessOperation(asked), asked.variables);
}

/** Whether the operation has an unconditional root field that is not introspection. */
function asksForFields({ selectionSet }: OperationDefinitionNode): boolean {
  for (const { field, conditions } of rootSelections(selectionSet)) {
    if (conditions.length === 0 && !field.name.value.startsWith("__")) return true;
  }
  return false;
}

/** @param node without fragment spreads */
function fieldCount(node: OperationDefinitionNode): number {
  let count = 0;
  visit(node, {
    Field: () => {
      count++;
    },
  });
  return count;
}
