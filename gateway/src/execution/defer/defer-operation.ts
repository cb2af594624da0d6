/** Compiles and keeps operations with @defer, one for each outcome of their conditions. */
import type { QueryPlan } from "@apollo/query-planner";
import { inSpan } from "@teranga/kit/process/tracing.ts";
import {
  type DocumentNode,
  type GraphQLSchema,
  getOperationAST,
  type OperationDefinitionNode,
} from "graphql";
import type { JsonObject } from "../../ground/answer.ts";
import { BoundedCache } from "../../ground/bounded-cache.ts";
import {
  inlinedOperation,
  type VariableDefinitions,
  variableDefinitionsOf,
  withDefaults,
} from "../../ground/documents.ts";
import { expandedBytes } from "../../ground/kept-bytes.ts";
import type { NamelessOperation } from "../../ground/nameless-operation.ts";
import { onThisThread } from "../../ground/turns.ts";
import { UnderWay } from "../../ground/under-way.ts";
import { variableErrors } from "../../ground/variable-errors.ts";
import type { GatewayContext } from "../../sources/request-context.ts";
import type { FetchCompiler } from "../fetch-step.ts";
import type { FieldSuppliers } from "../field-suppliers.ts";
import { compileIntrospection, type Introspect } from "../introspection.ts";
import { stopAfterFailure } from "../mutation-order.ts";
import type { ShapeCache } from "../shape/shape-cache.ts";
import { Shapes } from "../shape/shapes.ts";
import { type AnswerPart, DeferredAnswer } from "./defer-answer.ts";
import { compileParts } from "./defer-plan.ts";
import { deferVariables, type SplitOperation, splitOperation } from "./defer-split.ts";

/** What a graph gives to its deferred operations. */
export interface DeferTerms {
  /** The schema that clients see. */
  schema: GraphQLSchema;
  withNamesApart: (document: DocumentNode) => DocumentNode;
  /** Plans what `prepare` returns, and finishes it. @param size the operation's length in characters */
  compiled: <Compiled>(size: number, prepare: () => ToPlan<Compiled>) => Promise<Compiled>;
  newFetchCompiler: () => FetchCompiler;
  /** The cache of answer shapes. */
  cache: ShapeCache;
  suppliers: FieldSuppliers;
  /** The most that the operations may keep, in bytes. */
  weightMax: number;
}

/** An operation that was taken apart and is not planned yet. */
export interface ToPlan<Compiled> {
  /** Undefined if no service needs to be asked. */
  planned: DocumentNode | undefined;
  /** The operation, without fragment spreads. */
  operation: OperationDefinitionNode;
  finish: (plan: QueryPlan) => Compiled;
}

/** A client has a few such operations, with one or two conditions each. */
const OPERATIONS_MAX = 200;

/** A compiled operation with at least one deferred fragment. */
export class DeferredOperation {
  /** The bytes that it keeps, approximately. */
  readonly weight: number;
  readonly #operation: OperationDefinitionNode;
  readonly #schema: GraphQLSchema;
  readonly #definitions: VariableDefinitions;
  readonly #primary: AnswerPart;
  readonly #deferred: readonly AnswerPart[];
  readonly #introspect: Introspect | undefined;
  readonly #suppliers: FieldSuppliers;

  constructor(
    operation: OperationDefinitionNode,
    { schema, suppliers }: Pick<DeferTerms, "schema" | "suppliers">,
    { primary, deferred }: CompiledParts,
    weight: number,
  ) {
    this.weight = weight;
    this.#suppliers = suppliers;
    this.#schema = schema;
    this.#operation = operation;
    this.#definitions = variableDefinitionsOf(operation);
    this.#primary = primary;
    this.#deferred = deferred;
    this.#introspect = compileIntrospection(operation, schema);
  }

  /** Begins an answer. Undefined if the variables are not valid. @throws GraphQLError of introspection */
  begin(variables: JsonObject, context: GatewayContext): DeferredAnswer | undefined {
    const definitions = this.#operation.variableDefinitions ?? [];
    if (variableErrors(this.#schema, definitions, variables).length > 0) return undefined;
    const parts = [this.#primary, ...this.#deferred];
    if (parts.some(({ shapes }) => shapes.conditionErrors(variables).length > 0)) return undefined;
    const root = this.#introspect?.(variables) ?? {};
    const conditions = withDefaults(this.#definitions, variables);
    return new DeferredAnswer(this.#primary, this.#deferred, {
      variables,
      conditions,
      context,
      suppliers: this.#suppliers,
      root,
    });
  }
}

interface CompiledParts {
  primary: AnswerPart;
  deferred: readonly AnswerPart[];
}

export interface FoundOperation {
  operation: DeferredOperation;
  /** The time to plan and compile it; undefined if it was kept. */
  planMs: number | undefined;
}

/** The operations with @defer of one graph. */
export class DeferredOperations {
  readonly #terms: DeferTerms;
  /** The variables that decide what is deferred, by document. Undefined for a document without @defer. */
  readonly #variables = new WeakMap<DocumentNode, readonly string[] | undefined>();
  /** Null for an operation of which nothing is deferred with these conditions. */
  readonly #operations: BoundedCache<DeferredOperation | null>;
  readonly #compiling = new UnderWay<DeferredOperation | null>();

  constructor(terms: DeferTerms) {
    this.#terms = terms;
    this.#operations = new BoundedCache({
      entriesMax: OPERATIONS_MAX,
      weightMax: terms.weightMax,
      weigh: (key, operation) => key.length + (operation?.weight ?? 0),
    });
  }

  /** How many compiled operations are kept. */
  get size(): number {
    return this.#operations.size;
  }

  /**
   * The compiled form of an operation; it is compiled if it is not kept. Undefined if nothing of it is
   * deferred.
   * @throws GraphQLError if the planner refuses it
   */
  async find(asked: NamelessOperation, variables: JsonObject): Promise<FoundOperation | undefined> {
    const { document, size } = asked;
    // The first look at a document walks all of it, so it waits for its turn.
    if (!this.#variables.has(document)) await onThisThread.next(size, () => this.#deferVariables(document));
    const choice = this.#choiceOf(asked, variables);
    if (!choice) return undefined;
    const known = this.#operations.find(choice.key);
    if (known !== undefined) return known ? { operation: known, planMs: undefined } : undefined;
    const startMs = performance.now();
    const operation = await this.#compiling.get(choice.key, async () => {
      const compiled = await inSpan("gateway.plan", {}, () => this.#compile(asked, choice.variables));
      this.#operations.put(choice.key, compiled);
      return compiled;
    });
    return operation ? { operation, planMs: performance.now() - startMs } : undefined;
  }

  /** The outcome of an operation's conditions. Undefined if it has no @defer. */
  #choiceOf({ document, key }: NamelessOperation, given: JsonObject) {
    const names = this.#deferVariables(document);
    const definition = names && getOperationAST(document);
    if (!definition) return undefined;
    const variables = withDefaults(variableDefinitionsOf(definition), given);
    const truths = names.map((name) => variables[name] === true);
    return { key: JSON.stringify([key, truths]), variables };
  }

  #deferVariables(document: DocumentNode): readonly string[] | undefined {
    if (!this.#variables.has(document)) this.#variables.set(document, deferVariables(document));
    return this.#variables.get(document);
  }

  #compile(
    { document, size, treeBytes }: NamelessOperation,
    variables: Record<string, unknown>,
  ): Promise<DeferredOperation | null> {
    const { schema, withNamesApart, compiled } = this.#terms;
    return compiled<DeferredOperation | null>(size, () => {
      const operation = inlinedOperation(withNamesApart(document));
      const split = splitOperation(operation, schema, variables);
      if (split.deferred.length === 0) return { planned: undefined, operation, finish: () => null };
      const finish = (plan: QueryPlan) => this.#compileAs(operation, split, plan, treeBytes);
      return { planned: split.planned, operation, finish };
    });
  }

  #compileAs(
    operation: OperationDefinitionNode,
    split: SplitOperation,
    plan: QueryPlan,
    treeBytes: number,
  ): DeferredOperation {
    const { schema, newFetchCompiler, cache } = this.#terms;
    const { defaults } = variableDefinitionsOf(operation);
    const terms = { schema, defaults, cache };
    const around = stopAfterFailure(operation, terms);
    const plans = compileParts(plan, { fetches: newFetchCompiler(), defaults, ...(around && { around }) });
    const rootType = schema.getRootType(operation.operation)!;
    const primary: AnswerPart = {
      fragment: undefined,
      typeName: rootType.name,
      plan: plans.primary,
      shapes: new Shapes(rootType, split.primary, terms),
    };
    const deferred = split.deferred.map((fragment) => ({
      fragment,
      typeName: fragment.type.name,
      plan: plans.deferred.get(fragment.id),
      shapes: new Shapes(fragment.type, fragment.selectionSet, terms),
    }));
    const weight = 2 * treeBytes + expandedBytes(operation) + plans.weight;
    return new DeferredOperation(operation, this.#terms, { primary, deferred }, weight);
  }
}
