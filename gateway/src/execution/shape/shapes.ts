/** The shapes of one selection's answer: one for each outcome of its @skip and @include. */

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
import { BoundedCache } from "../../ground/bounded-cache.ts";
import { conditionVariables, variableValue } from "../../ground/documents.ts";
import type { Complete } from "./object-builder.ts";
import { ShapeCompiler } from "./shape.ts";

export interface ShapeTerms {
  /** The schema that clients see. */
  schema: GraphQLSchema;
  /** The defaults of the operation's variables. */
  defaults: Readonly<Record<string, unknown>>;
  /** The cache of shapes. All shapes of one graph share its bound. */
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
   * The shape for these variables. A selection whose @skip and @include use n variables has up to 2^n shapes.
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

  /** A condition must not be null, although a client may give null to a variable with a default. */
  conditionErrors(variables: JsonObject): GraphQLError[] {
    const { defaults } = this.#terms;
    return this.#conditionNames
      .filter((name) => typeof variableValue(name, variables, defaults) !== "boolean")
      .map((name) => badInput(`$${name}`, "is the condition of a field, which must not be null"));
  }
}

/** The variables that decide which fields an answer has. */
function conditionsWithin(selectionSet: SelectionSetNode): string[] {
  const directives: DirectiveNode[] = [];
  visit(selectionSet, { Directive: (directive) => void directives.push(directive) });
  return conditionVariables(directives);
}

/** The bytes that a member of a compiled object keeps, measured: 160,000 members kept 30 MB. */
export const MEMBER_BYTES = 200;
const SHAPES_MAX = 4_000;
/**
 * A quarter is for new entries (bounded-cache.ts). That is 80,000 members: the 5,000 fields that an operation
 * may have, on 16 types each.
 */
const BYTES_MAX = 64 * 1024 * 1024;

interface KeptShape {
  compiler: ShapeCompiler;
  shape: Complete;
}

/**
 * Keeps the shapes of one graph. A shape is generated code, and a few lines of a query can need a great deal
 * of it.
 */
export class ShapeCache {
  readonly #shapes = new BoundedCache<KeptShape>({
    entriesMax: SHAPES_MAX,
    weightMax: BYTES_MAX,
    weigh: (key, { compiler }) => key.length + compiler.memberCount * MEMBER_BYTES,
  });
  #selections = 0;

  /** A new key prefix, unique to one selection. */
  newSelection(): string {
    return String(this.#selections++);
  }

  /** @param compile makes the shape if it is not kept */
  get(key: string, compile: () => KeptShape): Complete {
    return this.#shapes.get(key, () => this.#weighing(key, compile())).shape;
  }

  /** Updates the weight of a shape: it grows in use, because each type is compiled when it first occurs. */
  #weighing(key: string, { compiler, shape }: KeptShape): KeptShape {
    let weighed = compiler.memberCount;
    const kept: KeptShape = {
      compiler,
      shape: (value, run) => {
        const completed = shape(value, run);
        if (compiler.memberCount !== weighed) {
          weighed = compiler.memberCount;
          this.#shapes.put(key, kept);
        }
        return completed;
      },
    };
    return kept;
  }
}
