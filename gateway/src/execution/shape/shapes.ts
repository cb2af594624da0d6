/** The shapes of one selection's answer: one for each way its @skip and @include can turn out. */

import { badInput } from "@teranga/kit/graphql/errors.ts";
import {
  type DirectiveNode,
  type GraphQLCompositeType,
  type GraphQLError,
  type GraphQLSchema,
  type SelectionSetNode,
  visit,
} from "graphql";
import { emptyObject, type JsonObject } from "../../ground/answer.ts";
import { conditionVariables, variableValue } from "../../ground/documents.ts";
import type { Complete } from "./object-builder.ts";
import { ShapeCompiler } from "./shape.ts";
import type { ShapeCache } from "./shape-cache.ts";

export interface ShapeTerms {
  /** What clients see. */
  schema: GraphQLSchema;
  /** The defaults of the operation's variables. */
  defaults: Readonly<Record<string, unknown>>;
  /** Where shapes are kept; those of one graph bound one another. */
  cache: ShapeCache;
}

export class Shapes {
  readonly #type: GraphQLCompositeType;
  readonly #selectionSet: SelectionSetNode;
  readonly #terms: ShapeTerms;
  readonly #conditionNames: readonly string[];
  readonly #key: string;

  /** @param selectionSet without fragment spreads */
  constructor(type: GraphQLCompositeType, selectionSet: SelectionSetNode, terms: ShapeTerms) {
    this.#type = type;
    this.#selectionSet = selectionSet;
    this.#terms = terms;
    this.#conditionNames = conditionsWithin(selectionSet);
    this.#key = terms.cache.newSelection();
  }

  /**
   * A selection whose @skip and @include look at n variables has 2^n of them.
   * @param variables as the client gave them
   */
  for(variables: JsonObject): Complete {
    const { schema, defaults, cache } = this.#terms;
    const conditions = emptyObject();
    for (const name of this.#conditionNames) conditions[name] = variableValue(name, variables, defaults);
    const key = this.#conditionNames.map((name) => (conditions[name] === true ? "1" : "0")).join("");
    return cache.get(`${this.#key} ${key}`, () => {
      const compiler = new ShapeCompiler(schema, conditions);
      return { compiler, shape: compiler.compileRoot(this.#type, this.#selectionSet) };
    });
  }

  /** Null is no condition, though a variable that has a default may be given it. */
  conditionErrors(variables: JsonObject): GraphQLError[] {
    const { defaults } = this.#terms;
    return this.#conditionNames
      .filter((name) => typeof variableValue(name, variables, defaults) !== "boolean")
      .map((name) => badInput(`$${name}`, "is the condition of a field, which must not be null"));
  }
}

/** The variables that decide what an answer has. */
function conditionsWithin(selectionSet: SelectionSetNode): string[] {
  const directives: DirectiveNode[] = [];
  visit(selectionSet, { Directive: (directive) => void directives.push(directive) });
  return conditionVariables(directives);
}
