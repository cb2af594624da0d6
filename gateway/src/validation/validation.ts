/** Validates documents at a bounded cost, and with short errors. */
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

/** Two locations are enough to show a contradiction. */
export const LOCATIONS_MAX = 2;

export interface ValidationTerms {
  limits: Limits;
  /** In addition to the rules of the specification. */
  rules: readonly ValidationRule[];
  /** The suggestions of "Did you mean" would give the schema away word by word. */
  hidesSchema: boolean;
}

/** The part of the terms that consists of plain values, which can go to another thread. */
export type ClientTerms = Pick<ValidationTerms, "limits" | "hidesSchema">;

export function clientTerms({ limits, hidesSchema }: ClientTerms): ValidationTerms {
  const rules = [reservedNamesRule, deferLabelsRule, ...(hidesSchema ? [noIntrospectionRule] : [])];
  return { limits, rules, hidesSchema };
}

/** The limits that a document exceeds, which is cheap to check. @param document with its locations */
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
  // An error would scan the text up to each of its locations. The tokens already know these.
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

/** A rule's error, cut, with the rule's code if it is one of ours. */
function told({ message, nodes, extensions }: GraphQLError): GraphQLError {
  const error = new GraphQLError(cutText(message, REFUSAL_MESSAGE_LENGTH_MAX), {
    extensions: { code: "GRAPHQL_VALIDATION_FAILED", ...extensions, http: { status: 400 } },
  });
  const locations = nodes
    ?.slice(0, LOCATIONS_MAX)
    .flatMap(({ loc }) => (loc ? [{ line: loc.startToken.line, column: loc.startToken.column }] : []));
  return Object.defineProperty(error, "locations", { value: locations, enumerable: true });
}
