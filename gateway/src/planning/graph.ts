/**
 * The graph of one supergraph: the schema that clients see, the query planner, and the operations compiled
 * for it. It knows no service's address. The network decides where fetches go and changes independently
 * (network.ts).
 */
import { prettyFormatQueryPlan, type QueryPlan } from "@apollo/query-planner";
import { codedError } from "@teranga/kit/graphql/errors.ts";
import { type Identity, VISITOR } from "@teranga/kit/identity/identity.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { inSpan } from "@teranga/kit/process/tracing.ts";
import type { GraphQLError, GraphQLSchema, OperationDefinitionNode } from "graphql";
import { Authorization, type AuthorizationMode, type Refused } from "../authorization/authorization.ts";
import { refusalOf, withoutRefused } from "../authorization/refusals.ts";
import type { DeferredAnswer } from "../execution/defer/defer-answer.ts";
import { areConditionsKnown, type DeferOutcome, deferOutcome } from "../execution/defer/defer-conditions.ts";
import { type SplitOperation, splitOperation, wholeOperation } from "../execution/defer/defer-split.ts";
import { FetchCompiler } from "../execution/fetch-step.ts";
import { FieldNeeds } from "../execution/field-needs.ts";
import { FieldSuppliers } from "../execution/field-suppliers.ts";
import { CompiledOperation } from "../execution/operation.ts";
import { PartCache } from "../execution/part-cache.ts";
import { ShapeCache } from "../execution/shape/shapes.ts";
import type { JsonObject } from "../ground/answer.ts";
import { BoundedCache } from "../ground/bounded-cache.ts";
import { rootSelections } from "../ground/documents.ts";
import { expandedBytes, operationsBytesMax, partsBytesMax } from "../ground/kept-bytes.ts";
import { DEFAULT_LIMITS, type Limits } from "../ground/limits.ts";
import {
  type AskedOperation,
  isNamelessKnown,
  type NamelessOperation,
  namelessOperation,
} from "../ground/nameless-operation.ts";
import { namesRead, withNamesApart } from "../ground/names-apart.ts";
import { type Supergraph, unusableSupergraph } from "../ground/supergraph.ts";
import { onThisThread } from "../ground/turns.ts";
import { UnderWay } from "../ground/under-way.ts";
import type { RunContext } from "../sources/request-context.ts";
import type { Source } from "../sources/source.ts";
import type { Engine, Executor } from "./engine.ts";
import { largeOperations } from "./large-operations.ts";
import { withRootOnce } from "./mutation-root.ts";
import { Planner } from "./planner.ts";
import { SideThread } from "./side-thread.ts";

/** A client has a few dozen operations. An operation that no longer fits is planned again. */
const OPERATIONS_MAX = 1_000;

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
  /** What becomes of an operation with a field that is refused; `null` by default. */
  authorizationMode?: AuthorizationMode | undefined;
}

/** An operation in the form in which it is compiled, for those who may have the same of it. */
interface Prepared extends NamelessOperation {
  refused: Refused | undefined;
}

export class Graph implements Engine {
  readonly supergraph: Supergraph;
  /** The schema that clients see. */
  readonly apiSchema: GraphQLSchema;
  /** The thread that validates and plans large operations. */
  readonly sideThread: SideThread;
  readonly #sources: ReadonlyMap<string, Source>;
  readonly #planner: Planner;
  readonly #needs: FieldNeeds;
  readonly #namesRead: ReadonlySet<string>;
  readonly #isLarge: (operation: OperationDefinitionNode) => boolean;
  readonly #suppliers: FieldSuppliers;
  readonly #shapes = new ShapeCache();
  readonly #parts: PartCache;
  readonly #authorization: Authorization | undefined;
  readonly #mode: AuthorizationMode;
  readonly #observer: GraphObserver | undefined;
  /** By the operation's key, and for an answer in parts also by the outcome of its conditions. */
  readonly #operations: BoundedCache<CompiledOperation>;
  readonly #compiling = new UnderWay<CompiledOperation>();

  /**
   * @param sources by subgraph
   * @throws StartupError, one line, if the text is not a supergraph
   */
  constructor(
    supergraph: Supergraph,
    sources: ReadonlyMap<string, Source>,
    { observer, limits = DEFAULT_LIMITS, log, authorizationMode = "null" }: GraphTerms = {},
  ) {
    this.supergraph = supergraph;
    this.#sources = sources;
    this.#observer = observer;
    this.#mode = authorizationMode;
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
      this.#isLarge = largeOperations(supergraph);
      this.apiSchema = this.#planner.apiSchema;
      this.#authorization = Authorization.of(supergraph, this.apiSchema);
    } catch (error) {
      throw unusableSupergraph(error);
    }
  }

  /** How many compiled operations are kept. */
  get operationCount(): number {
    return this.#operations.size;
  }

  readonly execute: Executor = async ({ document, request, context }) => {
    const { operationName, variables = {} } = request;
    const asked = { document, operationName, variables };
    const own = context as RunContext;
    const prepared = await this.#prepare(asked, own.identity);
    const rejected = this.#rejection(prepared, variables);
    if (rejected) return { errors: rejected };
    const operation = await this.#operation(prepared);
    own.record.planned(() => prettyFormatQueryPlan(this.#planOf(prepared)));
    return operation.execute(variables, own);
  };

  async beginDeferred(asked: AskedOperation, context: RunContext): Promise<DeferredAnswer | undefined> {
    const operation = await this.operationInParts(asked, context.identity);
    return operation?.begin(asked.variables, context);
  }

  /**
   * The compiled form of an operation of a validated document. It is compiled if it is not kept.
   * @throws GraphQLError if the planner refuses it, or too many operations are waiting to be planned
   */
  async operation(asked: AskedOperation, identity: Identity = VISITOR): Promise<CompiledOperation> {
    return this.#operation(await this.#prepare(asked, identity));
  }

  async #operation(nameless: Prepared): Promise<CompiledOperation> {
    const known = this.#operations.find(nameless.key);
    if (!known) return this.#new(nameless.key, nameless);
    this.#observer?.operationFound(undefined);
    return known;
  }

  /**
   * The same for an operation that a client takes in parts. Undefined if nothing of it is deferred.
   * @throws GraphQLError if the planner refuses it, or too many operations are waiting to be planned
   */
  async operationInParts(
    asked: AskedOperation,
    identity: Identity = VISITOR,
  ): Promise<CompiledOperation | undefined> {
    const nameless = await this.#prepare(asked, identity);
    if (this.#rejection(nameless, asked.variables)) return undefined;
    const outcomeOf = () => deferOutcome(nameless, asked.variables);
    const outcome = areConditionsKnown(nameless)
      ? outcomeOf()
      : await onThisThread.next(nameless.size, outcomeOf);
    if (!outcome) return undefined;
    const known = this.#operations.find(outcome.key);
    const operation = known ?? (await this.#new(outcome.key, nameless, outcome));
    if (!operation.isDeferred) return undefined;
    if (known) this.#observer?.operationFound(undefined);
    return operation;
  }

  /** The plan of an operation that is answered at once, for inspection. */
  planOf(asked: AskedOperation, identity: Identity = VISITOR): QueryPlan {
    return this.#planOf(this.#prepared(asked, identity));
  }

  #planOf(prepared: Prepared): QueryPlan {
    const { planned } = this.#split(prepared);
    return planned ? this.#planner.plan(planned) : { kind: "QueryPlan" };
  }

  /** Preparing walks the whole document the first time, so it waits for its turn. */
  #prepare(asked: AskedOperation, identity: Identity): Prepared | Promise<Prepared> {
    const make = () => this.#prepared(asked, identity);
    const isKnown =
      isNamelessKnown(asked) && this.#authorization?.isKnown(namelessOperation(asked).document) !== false;
    return isKnown ? make() : onThisThread.next(asked.document.tokenCount ?? 0, make);
  }

  #prepared(asked: AskedOperation, identity: Identity): Prepared {
    const nameless = namelessOperation(asked);
    const once = withRootOnce(nameless, asked.variables);
    const refused = this.#authorization?.refused(nameless.document, identity);
    return refused ? { ...once, key: `${once.key} ${refused.key}`, refused } : { ...once, refused };
  }

  /** The errors of an operation that is refused as a whole. */
  #rejection({ document, refused }: Prepared, variables: JsonObject): GraphQLError[] | undefined {
    if (this.#mode !== "reject" || !refused) return undefined;
    return this.#authorization!.rejection(document, { refused, variables });
  }

  async #new(key: string, nameless: Prepared, outcome?: DeferOutcome): Promise<CompiledOperation> {
    const startMs = performance.now();
    const operation = await this.#compiling.get(key, async () => {
      const compiled = await inSpan("gateway.plan", {}, () => this.#compile(nameless, outcome));
      this.#operations.put(key, compiled);
      // Of which nothing is deferred, the client is about to ask for it to be answered at once.
      if (outcome && !compiled.isDeferred) this.#operations.put(nameless.key, compiled);
      return compiled;
    });
    this.#observer?.operationFound(performance.now() - startMs);
    return operation;
  }

  /** Compiles in pieces with turns of the event loop between them. A small operation is one piece. */
  async #compile(nameless: Prepared, outcome?: DeferOutcome): Promise<CompiledOperation> {
    const { size } = nameless;
    const first = await onThisThread.next(size, () => {
      const split = this.#split(nameless, outcome);
      const finish = (plan: QueryPlan) => this.#compileAs(split, plan, nameless.treeBytes);
      const { planned, operation } = split;
      if (!planned) return { compiled: finish({ kind: "QueryPlan" }) };
      if (this.#isLarge(operation)) return { planned, finish };
      return { compiled: finish(this.#planner.plan(planned)) };
    });
    if ("compiled" in first) return first.compiled;
    const plan = await this.sideThread.plan(first.planned);
    return onThisThread.next(size, () => first.finish(plan));
  }

  #split({ document, refused }: Prepared, outcome?: DeferOutcome): SplitOperation {
    const apart = withNamesApart(refused ? refused.mark(document) : document, this.#namesRead);
    const split = outcome ? splitOperation(apart, this.apiSchema, outcome.variables) : wholeOperation(apart);
    return refused ? { ...split, planned: split.planned && withoutRefused(split.planned) } : split;
  }

  #compileAs(split: SplitOperation, plan: QueryPlan, treeBytes: number): CompiledOperation {
    const { operation, deferred } = split;
    if (!plan.node && asksForFields(operation)) {
      // The planner leaves out fields that no service can resolve, and the answer would be null without an
      // error.
      const message = "No service can answer what the operation asks for.";
      throw codedError("GRAPHQL_VALIDATION_FAILED", message, { http: { status: 400 } });
    }
    // An operation that is split keeps copies of its selections.
    const weight = (deferred.length > 0 ? 2 : 1) * treeBytes + expandedBytes(operation);
    return new CompiledOperation(split, plan, weight, {
      schema: this.apiSchema,
      fetches: this.#newFetchCompiler(),
      cache: this.#shapes,
      suppliers: this.#suppliers,
    });
  }

  #newFetchCompiler(): FetchCompiler {
    const { schema } = this.supergraph;
    return new FetchCompiler({ sources: this.#sources, schema, needs: this.#needs, parts: this.#parts });
  }
}

/** Whether the operation has an unconditional root field that is neither refused nor introspection. */
function asksForFields({ selectionSet }: OperationDefinitionNode): boolean {
  for (const { field, conditions } of rootSelections(selectionSet)) {
    if (conditions.length === 0 && !field.name.value.startsWith("__") && !refusalOf(field)) return true;
  }
  return false;
}
