/** Whether a document is valid, at a cost that is bounded, and in few words if not. */
import { cutText } from "@teranga/kit/graphql/errors.ts";
import { REFUSAL_ERRORS_MAX, REFUSAL_MESSAGE_LENGTH_MAX } from "@teranga/kit/http/short-refusals.ts";
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  specifiedRules,
  type ValidationRule,
  validate,
} from "graphql";
import type { Limits } from "../ground/limits.ts";
import { deferLabelsRule } from "./defer-labels.ts";
import { finiteFloatsRule } from "./finite-floats.ts";
import { noIntrospectionRule } from "./no-introspection.ts";
import { reservedNamesRule } from "./reserved-names.ts";
import { createSizeRule } from "./size-rule.ts";

/** Two are enough to find what contradicts what. */
export const LOCATIONS_MAX = 2;

export interface ValidationTerms {
  limits: Limits;
  /** Beside those of the specification. */
  rules: readonly ValidationRule[];
  /** "Did you mean" gives the schema away a word at a time. */
  hidesSchema: boolean;
}

/** What the terms of a surface come from: nothing but values, which can go to another thread. */
export type ClientTerms = Pick<ValidationTerms, "limits" | "hidesSchema">;

export function clientTerms({ limits, hidesSchema }: ClientTerms): ValidationTerms {
  const rules = [reservedNamesRule, deferLabelsRule, ...(hidesSchema ? [noIntrospectionRule] : [])];
  return { limits, rules, hidesSchema };
}

/** What is too much of a document, which is cheap to see. @param document with its locations */
export function sizeProblemsOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  { limits }: Pick<ValidationTerms, "limits">,
): readonly GraphQLError[] {
  const sizes = validate(schema, document, [createSizeRule(limits)], { maxErrors: 1 });
  return sizes.slice(0, 1).map(told);
}

/** @param document with its locations */
export function problemsOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  { limits, rules, hidesSchema }: ValidationTerms,
): readonly GraphQLError[] {
  const source = document.loc!.source;
  const { body } = source;
  // An error reads the text up to each of its places. They are known from the tokens.
  source.body = "";
  try {
    const sizes = sizeProblemsOf(schema, document, { limits });
    if (sizes.length > 0) return sizes;
    return validate(schema, document, [...specifiedRules, finiteFloatsRule, ...rules], {
      maxErrors: REFUSAL_ERRORS_MAX,
      hideSuggestions: hidesSchema,
    }).map(told);
  } finally {
    source.body = body;
  }
}

/** What a rule says, cut; with its own code if it is one of ours. */
function told({ message, nodes, extensions }: GraphQLError): GraphQLError {
  const error = new GraphQLError(cutText(message, REFUSAL_MESSAGE_LENGTH_MAX), {
    extensions: { code: "GRAPHQL_VALIDATION_FAILED", ...extensions, http: { status: 400 } },
  });
  const locations = nodes
    ?.slice(0, LOCATIONS_MAX)
    .flatMap(({ loc }) => (loc ? [{ line: loc.startToken.line, column: loc.startToken.column }] : []));
  return Object.defineProperty(error, "locations", { value: locations, enumerable: true });
}
