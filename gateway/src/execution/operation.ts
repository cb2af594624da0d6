/**
 * A client's compiled operation: the plan and the shape of each part of its answer. Compiled once, run for
 * each request. Nearly every operation has one part and is answered at once.
 */
import type { QueryPlan } from "@apollo/query-planner";
import { codedError, ERROR_CODES } from "@teranga/kit/graphql/errors.ts";
import { unauthorized } from "@teranga/kit/identity/requirement.ts";
import {
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  isNonNullType,
  type OperationDefinitionNode,
} from "graphql";
import { refusalOf } from "../authorization/refusals.ts";
import type { JsonObject } from "../ground/answer.ts";
import { noteGreat } from "../ground/answer-json.ts";
import { answering } from "../ground/answering.ts";
import {
  isIncluded,
  type RootSelection,
  responseNameOf,
  rootSelections,
  type VariableDefinitions,
  variableDefinitionsOf,
  withDefaults,
} from "../ground/documents.ts";
import { clientName } from "../ground/names-apart.ts";
import { overloaded } from "../ground/overloaded.ts";
import { variableErrors } from "../ground/variable-errors.ts";
import type { RunContext } from "../sources/request-context.ts";
import { DeferredAnswer } from "./defer/defer-answer.ts";
import { compileParts } from "./defer/defer-plan.ts";
import type { SplitOperation } from "./defer/defer-split.ts";
import type { FetchCompiler } from "./fetch-step.ts";
import type { FieldSuppliers } from "./field-suppliers.ts";
import { compileIntrospection, type Introspect } from "./introspection.ts";
import { misfitErrors } from "./misfits.ts";
import { stopAfterFailure } from "./mutation-order.ts";
import type { CompiledPart } from "./part.ts";
import { Run } from "./run.ts";
import { ShapeRun, TooLarge } from "./shape/shape-run.ts";
import type { ShapeCache } from "./shape/shapes.ts";
import { Shapes } from "./shape/shapes.ts";

export type OperationResult = ExecutionResult<JsonObject>;

export interface OperationTerms {
  /** The schema that clients see. */
  schema: GraphQLSchema;
  fetches: FetchCompiler;
  /** The cache of answer shapes. */
  cache: ShapeCache;
  suppliers: FieldSuppliers;
}

export class CompiledOperation {
  /** The bytes that it keeps, approximately. */
  readonly weight: number;
  readonly #operation: OperationDefinitionNode;
  readonly #definitions: VariableDefinitions;
  readonly #schema: GraphQLSchema;
  readonly #primary: CompiledPart;
  /** Each parent before the fragments inside it. */
  readonly #deferred: readonly CompiledPart[];
  readonly #introspect: Introspect | undefined;
  /** The root fields that are refused and must not be null. */
  readonly #fatal: readonly RootSelection[];
  readonly #suppliers: FieldSuppliers;

  /** @param weight the bytes that the operation itself keeps, approximately */
  constructor(split: SplitOperation, plan: QueryPlan, weight: number, terms: OperationTerms) {
    const { operation } = split;
    const { schema, fetches, cache, suppliers } = terms;
    this.#operation = operation;
    this.#definitions = variableDefinitionsOf(operation);
    this.#schema = schema;
    this.#suppliers = suppliers;
    const { defaults } = this.#definitions;
    const shapeTerms = { schema, defaults, cache };
    const around = stopAfterFailure(operation, shapeTerms);
    const plans = compileParts(plan, { fetches, defaults, ...(around && { around }) });
    const rootType = schema.getRootType(operation.operation)!;
    this.#primary = {
      fragment: undefined,
      typeName: rootType.name,
      plan: plans.primary,
      shapes: new Shapes(rootType, split.primary, shapeTerms),
    };
    this.#deferred = split.deferred.map((fragment) => ({
      fragment,
      typeName: fragment.type.name,
      plan: plans.deferred.get(fragment.id),
      shapes: new Shapes(fragment.type, fragment.selectionSet, shapeTerms),
    }));
    this.#introspect = compileIntrospection(operation, schema);
    const rootFields = rootType.getFields();
    this.#fatal = [...rootSelections(operation.selectionSet)].filter(
      ({ field }) => refusalOf(field) && isNonNullType(rootFields[field.name.value]?.type),
    );
    this.weight = weight + plans.weight;
  }

  /** Whether a part of the answer comes later. */
  get isDeferred(): boolean {
    return this.#deferred.length > 0;
  }

  /** Answers at once an operation of which nothing is deferred. */
  async execute(variables: JsonObject, context: RunContext): Promise<OperationResult> {
    const refused = this.#variableErrors(variables);
    if (refused) return { errors: refused };
    const fatal = this.#fatalErrors(variables);
    if (fatal) return { data: null, errors: fatal };
    const run = new Run(variables, context);
    await this.#primary.plan!.step!(run, [run.data]);
    if (context.holding?.isRefused) return { errors: [overloaded()] };
    try {
      Object.assign(run.data, this.#introspect?.(variables));
    } catch (error) {
      run.addFault(error);
    }
    const turn = answering.turn(context.record, context.holding?.isGreat);
    if (turn) await turn;
    return this.#respond(run);
  }

  /**
   * Begins an answer in parts. Undefined if the variables are not valid, or the answer is null from the
   * start.
   * @throws GraphQLError of introspection
   */
  begin(variables: JsonObject, context: RunContext): DeferredAnswer | undefined {
    if (this.#variableErrors(variables) ?? this.#fatalErrors(variables)) return undefined;
    return new DeferredAnswer(this.#primary, this.#deferred, {
      variables,
      conditions: withDefaults(this.#definitions, variables),
      context,
      suppliers: this.#suppliers,
      root: this.#introspect?.(variables) ?? {},
    });
  }

  #variableErrors(variables: JsonObject): readonly GraphQLError[] | undefined {
    const definitions = this.#operation.variableDefinitions;
    if (!definitions?.length) return undefined;
    const misfits = variableErrors(this.#schema, definitions, variables);
    if (misfits.length > 0) return misfits;
    const refused = this.#primary.shapes.conditionErrors(variables);
    for (const { shapes } of this.#deferred) refused.push(...shapes.conditionErrors(variables));
    return refused.length > 0 ? refused : undefined;
  }

  /**
   * If a refused field makes the whole answer null, nothing is fetched and nothing of a mutation carried out.
   */
  #fatalErrors(variables: JsonObject): GraphQLError[] | undefined {
    if (this.#fatal.length === 0) return undefined;
    const given = withDefaults(this.#definitions, variables);
    const found = this.#fatal.find(({ conditions }) => isIncluded(conditions, given));
    if (!found) return undefined;
    const path = [clientName(responseNameOf(found.field))!];
    const { message, extensions } = unauthorized(refusalOf(found.field)!);
    return [new GraphQLError(message, { path, extensions })];
  }

  #respond(run: Run): OperationResult {
    try {
      const shape = (run.carriedOut ?? this.#primary.shapes).for(run.variables);
      const shaping = new ShapeRun(run.hasShared ? "shared" : "once");
      const data = shape(run.data, shaping) as JsonObject | null;
      answering.willWrite(shaping.size);
      noteGreat(data, run.context.holding);
      const errors =
        shaping.misfitCount === 0
          ? run.errors
          : [
              ...run.errors,
              ...misfitErrors(shape, run.data, {
                run,
                place: [],
                told: run.errors,
                suppliers: this.#suppliers,
              }),
            ];
      return errors.length > 0 ? { data, errors } : { data };
    } catch (error) {
      if (!(error instanceof TooLarge)) throw error;
      return { data: null, errors: [codedError("ANSWER_TOO_LARGE", ERROR_CODES.ANSWER_TOO_LARGE)] };
    }
  }
}
