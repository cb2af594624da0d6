/**
 * The errors in the variables of a request. graphql-js reports them, too, but its messages quote the whole
 * value with each error (1 MB of unknown fields was answered with 51 MB), suggest names from the schema, and
 * have no code if there are many.
 */
import { codedError, cutText } from "@teranga/kit/graphql/errors.ts";
import { REFUSAL_ERRORS_MAX, REFUSAL_MESSAGE_LENGTH_MAX } from "@teranga/kit/http/short-refusals.ts";
import {
  coerceInputValue,
  type GraphQLError,
  type GraphQLInputType,
  type GraphQLSchema,
  isInputType,
  isNonNullType,
  typeFromAST,
  type VariableDefinitionNode,
} from "graphql";

/** The depth to which cost is computed. Functions that walk through values recurse for each level. */
const DEPTH_MAX = 100;

/** @param given as the client sent them */
export function variableErrors(
  schema: GraphQLSchema,
  definitions: readonly VariableDefinitionNode[],
  given: Readonly<Record<string, unknown>>,
): readonly GraphQLError[] {
  const errors: GraphQLError[] = [];
  for (const definition of definitions) {
    const type = typeFromAST(schema, definition.type);
    // Validation has refused other types.
    if (!isInputType(type)) continue;
    const variable = { name: definition.variable.name.value, type, hasDefault: !!definition.defaultValue };
    for (const words of misfits(variable, given)) {
      if (errors.length === REFUSAL_ERRORS_MAX)
        return [...errors, badVariable("There are more variables that do not fit.")];
      errors.push(badVariable(`Variable "$${variable.name}" ${words}`));
    }
  }
  return errors;
}

function badVariable(message: string): GraphQLError {
  return codedError("BAD_USER_INPUT", cutText(message, REFUSAL_MESSAGE_LENGTH_MAX));
}

interface Variable {
  name: string;
  type: GraphQLInputType;
  hasDefault: boolean;
}

function misfits({ name, type, hasDefault }: Variable, given: Readonly<Record<string, unknown>>): string[] {
  if (!Object.hasOwn(given, name)) {
    return isNonNullType(type) && !hasDefault ? [`of required type "${type}" was not provided.`] : [];
  }
  const value = given[name];
  if (value === null && isNonNullType(type)) return [`of non-null type "${type}" must not be null.`];
  if (isDeeper(value, DEPTH_MAX)) return [`is nested deeper than ${DEPTH_MAX} levels.`];
  // JSON.parse turns 1e400 into Infinity, which JSON would send to a service as null.
  if (holdsInfinity(value)) return ["holds a number that is too large for JSON here; send it as a string."];
  const words: string[] = [];
  try {
    coerceInputValue(
      value,
      type,
      (path, _value, error) => {
        if (words.length > REFUSAL_ERRORS_MAX) throw ENOUGH;
        const at = path.length > 0 ? ` at "${[name, ...path].join(".")}"` : "";
        words.push(`got invalid value${at}; ${error.message}`);
      },
      true,
    );
  } catch (error) {
    if (error !== ENOUGH) throw error;
  }
  return words;
}

/** Thrown to stop `coerceInputValue` after enough errors: it has no other way to stop. */
const ENOUGH = new Error("enough errors");

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1));
}

function holdsInfinity(value: unknown): boolean {
  if (typeof value === "number") return !Number.isFinite(value);
  return typeof value === "object" && value !== null && Object.values(value).some(holdsInfinity);
}
