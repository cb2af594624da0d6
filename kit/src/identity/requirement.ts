/**
 * What `@authenticated`, `@requiresScopes` and `@policy` ask for, and whether an identity meets it. The three
 * directives are Apollo Federation's, with their meaning: a list of alternatives, each of which is a list of
 * scopes or policies that are all needed.
 */
import { type ConstDirectiveNode, type GraphQLError, valueFromASTUntyped } from "graphql";
import { codedError } from "../graphql/errors.ts";
import { type Identity, scopesOf } from "./identity.ts";
import { ownCity } from "./policies/own-city.ts";
import { ownClient } from "./policies/own-client.ts";
import type { Owned, Policy } from "./policies/policy.ts";

/** One directive at one place of a schema. */
export type Requirement =
  | { readonly directive: "authenticated" }
  | { readonly directive: "requiresScopes"; readonly anyOf: readonly (readonly string[])[] }
  | { readonly directive: "policy"; readonly anyOf: readonly (readonly string[])[] };

export const POLICIES: ReadonlyMap<string, Policy> = new Map(
  [ownClient, ownCity].map((policy) => [policy.name, policy]),
);

/** The directives' names in a schema, if they differ from their own. */
export type RequirementNames = Readonly<Record<Requirement["directive"], string>>;

const OWN_NAMES: RequirementNames = {
  authenticated: "authenticated",
  requiresScopes: "requiresScopes",
  policy: "policy",
};

/** The requirements that the directives of a type or field make. All of them must be met. */
export function requirementsOf(
  directives: readonly ConstDirectiveNode[] = [],
  names: RequirementNames = OWN_NAMES,
): Requirement[] {
  return directives.flatMap((node): Requirement[] => {
    const alternatives = (argument: string) => {
      const given = node.arguments?.find(({ name }) => name.value === argument);
      return given ? alternativesOf(valueFromASTUntyped(given.value)) : [];
    };
    switch (node.name.value) {
      case names.authenticated:
        return [{ directive: "authenticated" }];
      case names.requiresScopes:
        return [{ directive: "requiresScopes", anyOf: alternatives("scopes") }];
      case names.policy:
        return [{ directive: "policy", anyOf: alternatives("policies") }];
      default:
        return [];
    }
  });
}

/** Lists of one element may be written without brackets, as everywhere in GraphQL. */
function alternativesOf(value: unknown): string[][] {
  return listOf(value).map((each) => listOf(each).map(String));
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

/**
 * Whether an identity meets a requirement. No alternative at all is met by nobody, and neither is a policy
 * that we do not have.
 * @param row whose the row in question is; without it: whether the identity could meet the requirement for
 * any row
 */
export function isMet(requirement: Requirement, identity: Identity, row?: Owned): boolean {
  switch (requirement.directive) {
    case "authenticated":
      return identity.role !== "visitor";
    case "requiresScopes": {
      const scopes = scopesOf(identity);
      return requirement.anyOf.some((all) => all.every((scope) => scopes.has(scope)));
    }
    case "policy":
      return requirement.anyOf.some((all) => all.every((name) => holds(name, identity, row)));
    default:
      return requirement satisfies never;
  }
}

function holds(name: string, identity: Identity, row: Owned | undefined): boolean {
  const policy = POLICIES.get(name);
  if (!policy?.mayHold(identity)) return false;
  return row === undefined || policy.owns(identity, row);
}

/** Why a field is refused. */
export interface Refusal {
  /** `Client.email` */
  coordinate: string;
  /** What is not met. */
  requirement: Requirement;
}

/**
 * The error for a field that whoever asks may not have.
 * @param extensions further ones, for example `http`
 */
export function unauthorized(
  { coordinate, requirement }: Refusal,
  extensions: Record<string, unknown> = {},
): GraphQLError {
  return codedError("UNAUTHORIZED_FIELD", `You may not ask for ${coordinate}.`, {
    ...extensions,
    coordinate,
    directive: `@${requirement.directive}`,
    ...("anyOf" in requirement && { needs: requirement.anyOf }),
  });
}
