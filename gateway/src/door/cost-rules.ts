/**
 * What a supergraph says about costs: the directives @cost and @listSize of the cost specification (https://specs.apollo.dev/cost), as
 * composition carries them over from the subgraphs. They are in the supergraph's document only; the API schema has lost them.
 */
import type {
  ConstDirectiveNode,
  GraphQLArgument,
  GraphQLField,
  GraphQLInputField,
  GraphQLNamedType,
  GraphQLSchema,
} from "graphql";
import { argumentsOf, linkedNames } from "../ground/supergraph.ts";

const SPEC_URL = "https://specs.apollo.dev/cost/";

/** How many entries a list is taken to have, or those of the fields below it. */
export interface ListSize {
  assumedSize: number | undefined;
  slicingArguments: readonly string[];
  /** The fields below whose lists have this size; the field itself has it if there are none. */
  sizedFields: readonly string[];
  requireOneSlicingArgument: boolean;
}

type Weighted = GraphQLNamedType | GraphQLField<unknown, unknown> | GraphQLArgument | GraphQLInputField;

/** Reads the two directives under whatever names the supergraph has given them. */
export class CostRules {
  readonly #cost: string | undefined;
  readonly #listSize: string | undefined;

  constructor(supergraph: GraphQLSchema) {
    const local = linkedNames(supergraph, SPEC_URL, "cost");
    this.#cost = local?.("cost");
    this.#listSize = local?.("listSize");
  }

  /** What @cost says; the one on a field or an argument goes before the one on its type. */
  weight(...annotated: readonly Weighted[]): number | undefined {
    for (const { astNode } of annotated) {
      const directive = find(astNode?.directives, this.#cost);
      const weight = directive && argumentsOf(directive).weight;
      if (typeof weight === "number") return weight;
    }
    return undefined;
  }

  listSize(field: GraphQLField<unknown, unknown>): ListSize | undefined {
    const directive = find(field.astNode?.directives, this.#listSize);
    if (!directive) return undefined;
    const said = argumentsOf(directive) as Partial<ListSize>;
    return {
      assumedSize: said.assumedSize ?? undefined,
      slicingArguments: said.slicingArguments ?? [],
      sizedFields: said.sizedFields ?? [],
      requireOneSlicingArgument: said.requireOneSlicingArgument ?? true,
    };
  }
}

function find(directives: readonly ConstDirectiveNode[] | undefined, name: string | undefined) {
  return name === undefined ? undefined : directives?.find((directive) => directive.name.value === name);
}
