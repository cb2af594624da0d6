/** A client's operation, compiled: its plan, and the shape of its answer. Made once, run for each request. */
import { codedError, ERROR_CODES } from "@teranga/kit/errors.ts";
import {
  type ExecutionResult,
  type GraphQLCompositeType,
  GraphQLError,
  type GraphQLSchema,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  visit,
} from "graphql";
import type { JsonObject } from "../answer.ts";
import { variableDefinitionsOf } from "../documents.ts";
import { completionErrors } from "../error-paths.ts";
import type { GatewayContext } from "../request-context.ts";
import type { CompiledPlan } from "./compile-plan.ts";
import { compileIntrospection, type Introspect } from "./introspection.ts";
import type { Complete } from "./object-builder.ts";
import { Run } from "./run.ts";
import { ShapeCompiler } from "./shape.ts";
import { ShapeRun, TooLarge } from "./shape-run.ts";

/** An operation whose @skip and @include look at n variables has 2^n shapes; few clients use more than one or two of them. */
const SHAPES_MAX = 32;
/** No client reads more; the answer has one error for each thing that is wrong. */
const VARIABLE_ERRORS_MAX = 50;
/** Enough to find the service at fault. */
const LOGGED_MISFITS_MAX = 10;

export type OperationResult = ExecutionResult<JsonObject>;

export class CompiledOperation {
  /** About how many characters it keeps. */
  readonly weight: number;
  readonly #operation: OperationDefinitionNode;
  readonly #schema: GraphQLSchema;
  readonly #plan: CompiledPlan;
  readonly #defaults: Readonly<Record<string, unknown>>;
  readonly #conditionNames: readonly string[];
  readonly #shapes = new Map<string, Complete>();
  readonly #introspect: Introspect | undefined;

  /** @param operation without fragment spreads. @param schema what clients see */
  constructor(operation: OperationDefinitionNode, schema: GraphQLSchema, plan: CompiledPlan, weight: number) {
    this.weight = weight + plan.weight;
    this.#operation = operation;
    this.#schema = schema;
    this.#plan = plan;
    this.#defaults = variableDefinitionsOf(operation).defaults;
    this.#conditionNames = conditionVariables(operation);
    this.#introspect = compileIntrospection(operation, schema);
  }

  async execute(variables: JsonObject, context: GatewayContext): Promise<OperationResult> {
    const refused = this.#variableErrors(variables);
    if (refused) return { errors: refused };
    const run = new Run(variables, context);
    await this.#plan.step(run, [run.data]);
    if (this.#introspect) Object.assign(run.data, this.#introspect(variables));
    return this.#respond(run);
  }

  #variableErrors(variables: JsonObject): readonly GraphQLError[] | undefined {
    const definitions = this.#operation.variableDefinitions;
    if (!definitions?.length) return undefined;
    return getVariableValues(this.#schema, definitions, variables, { maxErrors: VARIABLE_ERRORS_MAX }).errors;
  }

  #respond(run: Run): OperationResult {
    try {
      const shape = this.#shapeFor(run.variables);
      const shaping = new ShapeRun(run.hasShared ? "shared" : "once");
      const data = shape(run.data, shaping) as JsonObject | null;
      if (run.errors.length > 0) return { data, errors: run.errors };
      return shaping.misfitCount === 0 ? { data } : { data, errors: misfitErrors(shape, run) };
    } catch (error) {
      if (!(error instanceof TooLarge)) throw error;
      return { data: null, errors: [codedError("ANSWER_TOO_LARGE", ERROR_CODES.ANSWER_TOO_LARGE)] };
    }
  }

  #shapeFor(variables: JsonObject): Complete {
    const conditions: Record<string, unknown> = {};
    for (const name of this.#conditionNames) conditions[name] = variables[name] ?? this.#defaults[name];
    const key = this.#conditionNames.map((name) => (conditions[name] === true ? "1" : "0")).join("");
    const known = this.#shapes.get(key);
    if (known) return known;
    const { operation, selectionSet } = this.#operation;
    const rootType: GraphQLCompositeType = this.#schema.getRootType(operation)!;
    const shape = new ShapeCompiler(this.#schema, conditions).compileRoot(rootType, selectionSet);
    if (this.#shapes.size < SHAPES_MAX) this.#shapes.set(key, shape);
    return shape;
  }
}

/** Where the values are that no service has explained. */
function misfitErrors(shape: Complete, run: Run): GraphQLError[] {
  const shaping = new ShapeRun("locate");
  shape(run.data, shaping);
  const { misfits } = shaping;
  const some = misfits.slice(0, LOGGED_MISFITS_MAX);
  run.context.log.error({ misfits: some, count: misfits.length }, "a service's values do not fit the schema");
  return completionErrors(misfits).map(
    ({ message, path, extensions }) => new GraphQLError(message, { path, extensions }),
  );
}

/** The variables that decide what an answer has. */
function conditionVariables(operation: OperationDefinitionNode): string[] {
  const names = new Set<string>();
  visit(operation, {
    Directive: ({ name, arguments: given }) => {
      if (name.value !== "skip" && name.value !== "include") return;
      for (const { value } of given ?? []) if (value.kind === Kind.VARIABLE) names.add(value.name.value);
    },
  });
  return [...names].sort();
}
