/** Random operations that select much under few names, through fragments of every kind. */
import {
  type GraphQLCompositeType,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isObjectType,
  isUnionType,
} from "graphql";
import type { Random } from "../harness/random.ts";

const DEPTH_MAX = 4;
const CONDITIONS = ["@include(if: $yes)", "@skip(if: $yes)", "@include(if: $no)", "@skip(if: $no)"];

export const VARIABLES = { yes: true, no: false };

export class OperationDrawer {
  readonly #schema: GraphQLSchema;
  readonly #random: Random;
  readonly #defers: boolean;
  #fragments: string[] = [];

  constructor(schema: GraphQLSchema, random: Random, defers: boolean) {
    this.#schema = schema;
    this.#random = random;
    this.#defers = defers;
  }

  /** It may be invalid: two fields of one name that differ. */
  draw(): string {
    this.#fragments = [];
    const isMutation = !this.#defers && this.#random.next() < 0.15;
    const root = isMutation ? this.#schema.getMutationType()! : this.#schema.getQueryType()!;
    const selection = this.#selection(root, 0);
    const head = `${isMutation ? "mutation" : "query"} ($yes: Boolean!, $no: Boolean!)`;
    // Both variables must be used.
    const uses = "__typename @include(if: $yes) __typename @include(if: $no)";
    return `${head} ${selection.replace(/^\{/, `{ ${uses}`)} ${this.#fragments.join(" ")}`;
  }

  #selection(type: GraphQLCompositeType, depth: number): string {
    const parts: string[] = [];
    for (let count = this.#random.between(1, 4); count > 0; count--) {
      const isFragment = depth > 0 && this.#random.next() < 0.3;
      parts.push(isFragment ? this.#fragment(type, depth) : this.#field(type, depth));
    }
    return `{ ${parts.join(" ")} }`;
  }

  #field(type: GraphQLCompositeType, depth: number): string {
    if (isUnionType(type)) return "__typename";
    const names = Object.keys(type.getFields()).filter((name) => !name.startsWith("used"));
    const name = this.#random.pick(names);
    const value = getNamedType(type.getFields()[name]!.type);
    if (isCompositeType(value) && depth >= DEPTH_MAX)
      return "id" in type.getFields() ? "id" : this.#leaf(type);
    const alias = this.#random.next() < 0.4 ? `${this.#random.pick(["a", "b", "id", "email"])}: ` : "";
    const below = isCompositeType(value) ? this.#selection(value, depth + 1) : "";
    return `${alias}${name} ${this.#condition()} ${below}`;
  }

  #leaf(type: GraphQLObjectType | GraphQLInterfaceType): string {
    const leaves = Object.values(type.getFields()).filter(
      (field) => !isCompositeType(getNamedType(field.type)),
    );
    return this.#random.pick(leaves).name;
  }

  #fragment(type: GraphQLCompositeType, depth: number): string {
    const others = Object.values(this.#schema.getTypeMap())
      .filter(isCompositeType)
      .filter((other) => this.#overlap(type, other));
    const on = this.#random.pick(others);
    const defer = this.#defers && this.#random.next() < 0.5 ? "@defer" : "";
    const selection = this.#selection(on, depth + (isUnionType(on) ? 1 : 0));
    if (this.#random.next() < 0.5) return `... on ${on.name} ${this.#condition()} ${defer} ${selection}`;
    const name = `f${this.#fragments.length}`;
    this.#fragments.push(`fragment ${name} on ${on.name} ${selection}`);
    return `...${name} ${this.#condition()} ${defer}`;
  }

  #condition(): string {
    return this.#random.next() < 0.2 ? this.#random.pick(CONDITIONS) : "";
  }

  #overlap(one: GraphQLCompositeType, other: GraphQLCompositeType): boolean {
    const typesOf = (type: GraphQLCompositeType) =>
      isObjectType(type) ? [type] : this.#schema.getPossibleTypes(type);
    if (other.name.startsWith("__")) return false;
    return typesOf(one).some((type) => typesOf(other).includes(type));
  }
}
