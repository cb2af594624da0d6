/**
 * Reads what a supergraph says about costs: the directives @cost and @listSize of the cost specification
 * (https://specs.apollo.dev/cost). Composition copies them from the subgraphs into the supergraph's document.
 * The API schema no longer has them.
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

/** The assumed number of entries of a field's list, or of the lists below the field. */
export interface ListSize {
  assumedSize: number | undefined;
  slicingArguments: readonly string[];
  /** The fields below this one whose lists have this size. If there are none, the field's own list has it. */
  sizedFields: readonly string[];
  requireOneSlicingArgument: boolean;
}

type Weighted = GraphQLNamedType | GraphQLField<unknown, unknown> | GraphQLArgument | GraphQLInputField;

/** Reads the two directives under the names that the supergraph uses for them. */
export class CostRules {
  readonly #cost: string | undefined;
  readonly #listSize: string | undefined;

  constructor(supergraph: GraphQLSchema) {
    const local = linkedNames(supergraph, SPEC_URL, "cost");
    this.#cost = local?.("cost");
    this.#listSize = local?.("listSize");
  }

  /** The weight given by @cost. A weight on a field or an argument takes precedence over one on its type. */
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
