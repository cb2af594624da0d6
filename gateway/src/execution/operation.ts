/**
 * A client's compiled operation: its plan and the shape of its answer. Compiled once, run for each request.
 */
import { codedError, ERROR_CODES } from "@teranga/kit/graphql/errors.ts";
import type { ExecutionResult, GraphQLError, GraphQLSchema, OperationDefinitionNode } from "graphql";
import type { JsonObject } from "../ground/answer.ts";
import { noteGreat } from "../ground/answer-json.ts";
import { answering } from "../ground/answering.ts";
import { variableDefinitionsOf } from "../ground/documents.ts";
import { overloaded } from "../ground/overloaded.ts";
import { variableErrors } from "../ground/variable-errors.ts";
import type { GatewayContext } from "../sources/request-context.ts";
import type { CompiledPlan } from "./compile-plan.ts";
import type { FieldSuppliers } from "./field-suppliers.ts";
import { compileIntrospection, type Introspect } from "./introspection.ts";
import { misfitErrors } from "./misfits.ts";
import { Run } from "./run.ts";
import type { ShapeCache } from "./shape/shape-cache.ts";
import { ShapeRun, TooLarge } from "./shape/shape-run.ts";
import { Shapes } from "./shape/shapes.ts";

export type OperationResult = ExecutionResult<JsonObject>;

export interface OperationTerms {
  /** The schema that clients see. */
  schema: GraphQLSchema;
  /** The cache of answer shapes. */
  cache: ShapeCache;
  suppliers: FieldSuppliers;
  /** The bytes that the operation itself keeps, approximately. */
  weight: number;
}

export class CompiledOperation {
  /** The bytes that it keeps, approximately. */
  readonly weight: number;
  readonly #operation: OperationDefinitionNode;
  readonly #schema: GraphQLSchema;
  readonly #plan: CompiledPlan;
  readonly #shapes: Shapes;
  readonly #introspect: Introspect | undefined;
  readonly #suppliers: FieldSuppliers;

  /** @param operation without fragment spreads */
  constructor(
    operation: OperationDefinitionNode,
    plan: CompiledPlan,
    { schema, cache, suppliers, weight }: OperationTerms,
  ) {
    this.#suppliers = suppliers;
    this.weight = weight + plan.weight;
    this.#operation = operation;
    this.#schema = schema;
    this.#plan = plan;
    const { defaults } = variableDefinitionsOf(operation);
    const rootType = schema.getRootType(operation.operation)!;
    this.#shapes = new Shapes(rootType, operation.selectionSet, { schema, defaults, cache });
    this.#introspect = compileIntrospection(operation, schema);
  }

  async execute(variables: JsonObject, context: GatewayContext): Promise<OperationResult> {
    const refused = this.#variableErrors(variables);
    if (refused) return { errors: refused };
    const run = new Run(variables, context);
    await this.#plan.step(run, [run.data]);
    if (context.holding?.isRefused) return { errors: [overloaded()] };
    try {
      Object.assign(run.data, this.#introspect?.(variables));
    } catch (error) {
      run.addFault(error);
    }
    const turn = answering.turn(context.record);
    if (turn) await turn;
    return this.#respond(run);
  }

  #variableErrors(variables: JsonObject): readonly GraphQLError[] | undefined {
    const definitions = this.#operation.variableDefinitions;
    if (!definitions?.length) return undefined;
    const misfits = variableErrors(this.#schema, definitions, variables);
    if (misfits.length > 0) return misfits;
    const refused = this.#shapes.conditionErrors(variables);
    return refused.length > 0 ? refused : undefined;
  }

  #respond(run: Run): OperationResult {
    try {
      const shape = (run.carriedOut ?? this.#shapes).for(run.variables);
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
