/** A client's operation, compiled: its plan, and the shape of its answer. Made once, run for each request. */
import { codedError, ERROR_CODES } from "@teranga/kit/errors.ts";
import {
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from "graphql";
import type { JsonObject, ResponsePath } from "../answer.ts";
import { variableDefinitionsOf } from "../documents.ts";
import type { GatewayContext } from "../request-context.ts";
import { notListedBy } from "../sources/service-errors.ts";
import { completionErrors } from "../surface/error-paths.ts";
import { variableErrors } from "../variable-errors.ts";
import type { CompiledPlan } from "./compile-plan.ts";
import { compileIntrospection, type Introspect } from "./introspection.ts";
import type { Complete } from "./object-builder.ts";
import { Run } from "./run.ts";
import type { ShapeCache } from "./shape-cache.ts";
import { type Misfit, ShapeRun, TooLarge } from "./shape-run.ts";
import { Shapes } from "./shapes.ts";

/** Enough to find the service at fault. */
const LOGGED_MISFITS_MAX = 10;

export type OperationResult = ExecutionResult<JsonObject>;

export interface OperationTerms {
  /** What clients see. */
  schema: GraphQLSchema;
  /** Where the shapes of answers are kept. */
  cache: ShapeCache;
  /** About how many characters the operation itself keeps. */
  weight: number;
}

export class CompiledOperation {
  /** About how many characters it keeps. */
  readonly weight: number;
  readonly #operation: OperationDefinitionNode;
  readonly #schema: GraphQLSchema;
  readonly #plan: CompiledPlan;
  readonly #shapes: Shapes;
  readonly #introspect: Introspect | undefined;

  /** @param operation without fragment spreads */
  constructor(
    operation: OperationDefinitionNode,
    plan: CompiledPlan,
    { schema, cache, weight }: OperationTerms,
  ) {
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
    try {
      Object.assign(run.data, this.#introspect?.(variables));
    } catch (error) {
      run.addFault(error);
    }
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
      const errors =
        shaping.misfitCount === 0
          ? run.errors
          : [...run.errors, ...misfitErrors(shape, run.data, { run, place: [], told: run.errors })];
      return errors.length > 0 ? { data, errors } : { data };
    } catch (error) {
      if (!(error instanceof TooLarge)) throw error;
      return { data: null, errors: [codedError("ANSWER_TOO_LARGE", ERROR_CODES.ANSWER_TOO_LARGE)] };
    }
  }
}

export interface MisfitTerms {
  run: Run;
  /** Of the value, from the answer's root. */
  place: ResponsePath;
  /** The errors that the client is told anyway. */
  told: readonly GraphQLError[];
}

/** An error for each place where a value does not fit, unless one of those that are told explains it. */
export function misfitErrors(
  shape: Complete,
  value: unknown,
  { run, place, told }: MisfitTerms,
): GraphQLError[] {
  const shaping = new ShapeRun("locate");
  for (const step of place) shaping.enter(step);
  shape(value, shaping);
  const misfits = unexplained(shaping.misfits, told);
  if (misfits.length === 0) return [];
  const some = misfits.slice(0, LOGGED_MISFITS_MAX);
  const beside = told.slice(0, LOGGED_MISFITS_MAX).map(({ message }) => message);
  run.context.log.error(
    { misfits: some, count: misfits.length, beside },
    "a service's values do not fit the schema",
  );
  return completionErrors(misfits).map(
    ({ message, path, extensions }) => new GraphQLError(message, { path, extensions }),
  );
}

/**
 * An error explains its own place and all around it, what is missing beside it, and what is missing of an object that it is about as a
 * whole: the object's members, and theirs, but nothing in a list below it, whose elements have errors of their own.
 */
function unexplained(misfits: readonly Misfit[], told: readonly GraphQLError[]): readonly Misfit[] {
  // Without a place, or for places that are not listed, it may explain all of them.
  if (told.some((error) => !error.path || notListedBy(error.toJSON()) > 0)) return [];
  const around = new Set<string>();
  const wholes = new Set<string>();
  const besides = new Set<string>();
  for (const { path = [] } of told) {
    wholes.add(JSON.stringify(path));
    // A service that fails a field that must not be null leaves its siblings out, too.
    besides.add(JSON.stringify(objectAround(path)));
    for (let length = path.length; length > 0; length--) around.add(JSON.stringify(path.slice(0, length)));
  }
  const isOfWhole = (path: ResponsePath): boolean => {
    let length = path.length;
    while (length > 0 && typeof path[length - 1] === "string")
      if (wholes.has(JSON.stringify(path.slice(0, --length)))) return true;
    return false;
  };
  return misfits.filter(
    ({ path }) =>
      !around.has(JSON.stringify(path)) &&
      !besides.has(JSON.stringify(objectAround(path))) &&
      !isOfWhole(path),
  );
}

/** The place of the object whose member is at, or around, a place. */
const objectAround = (path: ResponsePath): ResponsePath =>
  path.slice(
    0,
    Math.max(
      0,
      path.findLastIndex((step) => typeof step === "string"),
    ),
  );
