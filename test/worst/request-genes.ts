/**
 * The genes of a random request, which a search can change a little, and the request made from them within
 * the production limits.
 */

import { DEFAULT_LIMITS, FIELDS_MAX } from "@teranga/gateway/ground/limits.ts";
import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isUnionType,
} from "graphql";

export interface Genes {
  /** The probability that a field is selected, by `Type.field`; 0.3 by default. */
  likings: ReadonlyMap<string, number>;
  /** The fields at the root, and in every other selection. */
  rootFields: number;
  fieldsEach: number;
  depth: number;
  /** The page size that lists are asked for. */
  pageSize: number;
  /** The probability that a field is repeated under an alias with another argument. */
  aliasing: number;
  /** The probability that a selection becomes a fragment that is spread again wherever its type comes up. */
  fragments: number;
  seed: number;
}

export const FIRST_GENES: Genes = {
  likings: new Map(),
  rootFields: 10,
  fieldsEach: 4,
  depth: 6,
  pageSize: 1,
  aliasing: 0.3,
  fragments: 0,
  seed: 1,
};

/** The most tokens that a field takes here: alias, name, arguments, braces. */
const TOKENS_A_FIELD = 9;

/** The same genes with one or two changes. */
export function mutated(genes: Genes, fields: readonly string[], random: () => number): Genes {
  const scaled = (value: number, max: number) =>
    Math.max(1, Math.min(max, Math.round(value * (0.5 + 1.5 * random()) + (random() < 0.5 ? 1 : 0))));
  const likings = new Map(genes.likings);
  for (let changes = 0; changes < 6; changes++)
    likings.set(fields[Math.floor(random() * fields.length)]!, random() < 0.5 ? 1 : random() / 4);
  const which = Math.floor(random() * 8);
  return {
    likings: which < 3 ? likings : genes.likings,
    rootFields: which === 3 ? scaled(genes.rootFields, DEFAULT_LIMITS.rootFieldsMax) : genes.rootFields,
    fieldsEach: which === 4 ? scaled(genes.fieldsEach, 60) : genes.fieldsEach,
    depth: which === 5 ? scaled(genes.depth, DEFAULT_LIMITS.depthMax - 1) : genes.depth,
    aliasing: which === 6 ? random() : genes.aliasing,
    pageSize: which === 7 ? scaled(genes.pageSize, 100) : genes.pageSize,
    fragments: which === 2 ? (random() < 0.5 ? 0 : random()) : genes.fragments,
    seed: random() < 0.5 ? genes.seed : Math.floor(random() * 1e9),
  };
}

/** The names of all fields of the API schema, in the form of `likings`' keys. */
export function fieldNames(schema: GraphQLSchema): string[] {
  return Object.values(schema.getTypeMap()).flatMap((type) =>
    (isObjectType(type) || isInterfaceType(type)) && !type.name.startsWith("__")
      ? Object.keys(type.getFields()).map((field) => `${type.name}.${field}`)
      : [],
  );
}

export class RequestWriter {
  readonly #schema: GraphQLSchema;
  readonly #genes: Genes;
  readonly #random: () => number;
  readonly #fragments = new Map<string, { text: string; fields: number; aliases: number; depth: number }>();
  #fields = 0;
  #aliases = 0;
  #tokens = 0;
  #number = 0;

  constructor(schema: GraphQLSchema, genes: Genes, random: () => number) {
    this.#schema = schema;
    this.#genes = genes;
    this.#random = random;
  }

  write(): string {
    const root = this.#fieldsOf(
      this.#schema.getQueryType()!,
      this.#genes.depth,
      this.#genes.rootFields,
      true,
    );
    return [`{ ${root || "__typename"} }`, ...[...this.#fragments.values()].map(({ text }) => text)].join(
      " ",
    );
  }

  #mayGoOn(): boolean {
    return (
      this.#fields < FIELDS_MAX - 100 &&
      this.#tokens < DEFAULT_LIMITS.tokensMax - 40 * TOKENS_A_FIELD &&
      this.#aliases < DEFAULT_LIMITS.aliasesMax - 1
    );
  }

  #selection(type: GraphQLNamedType, depth: number): string {
    const known = this.#fragments.get(type.name);
    const fits =
      known &&
      known.depth <= depth &&
      this.#fields + known.fields < FIELDS_MAX &&
      this.#aliases + known.aliases < DEFAULT_LIMITS.aliasesMax;
    if (fits && this.#random() < this.#genes.fragments) {
      this.#fields += known.fields;
      this.#aliases += known.aliases;
      this.#tokens += 2;
      return `...F${type.name}`;
    }
    const before = { fields: this.#fields, aliases: this.#aliases };
    const text = isUnionType(type)
      ? type
          .getTypes()
          .map(
            (each) => `... on ${each.name} { ${this.#fieldsOf(each, depth, this.#genes.fieldsEach, false)} }`,
          )
          .join(" ")
      : this.#fieldsOf(type, depth, this.#genes.fieldsEach, false);
    if (known || this.#random() >= this.#genes.fragments) return text;
    this.#fragments.set(type.name, {
      text: `fragment F${type.name} on ${type.name} { ${text} }`,
      fields: this.#fields - before.fields,
      aliases: this.#aliases - before.aliases,
      depth,
    });
    return `...F${type.name}`;
  }

  #fieldsOf(type: GraphQLNamedType, depth: number, count: number, isRoot: boolean): string {
    if (!isObjectType(type) && !isInterfaceType(type)) return "__typename";
    const fields = Object.values(type.getFields()).filter(
      (field) => depth > 0 || !isCompositeType(getNamedType(field.type)),
    );
    const texts: string[] = [];
    const taken = new Set<string>();
    for (let tries = 0; tries < count * 3 && texts.length < count && this.#mayGoOn(); tries++) {
      const field = fields[Math.floor(this.#random() * fields.length)];
      if (!field || this.#random() > (this.#genes.likings.get(`${type.name}.${field.name}`) ?? 0.3)) continue;
      const isAliased = taken.has(field.name) || isRoot || this.#random() < this.#genes.aliasing;
      if (isAliased && !isRoot && this.#random() > this.#genes.aliasing) continue;
      taken.add(field.name);
      texts.push(this.#field(field, depth, isAliased));
    }
    this.#fields++;
    return texts.length > 0 ? texts.join(" ") : "__typename";
  }

  #field(field: GraphQLField<unknown, unknown>, depth: number, isAliased: boolean): string {
    this.#fields++;
    this.#tokens += TOKENS_A_FIELD;
    if (isAliased) this.#aliases++;
    const alias = isAliased ? `a${this.#number++}: ` : "";
    const args = field.args
      .filter(
        (arg) => isRequiredArgument(arg) || arg.name === "first" || (isAliased && arg.name === "cities"),
      )
      .map((arg) => `${arg.name}: ${arg.name === "first" ? this.#genes.pageSize : this.#value(arg.type)}`);
    const type = getNamedType(field.type);
    const below = isCompositeType(type) ? ` { ${this.#selection(type, depth - 1)} }` : "";
    return `${alias}${field.name}${args.length > 0 ? `(${args.join(", ")})` : ""}${below}`;
  }

  #value(type: GraphQLInputType): string {
    if (isNonNullType(type)) return this.#value(type.ofType);
    if (isListType(type)) return `[${this.#value(type.ofType)}]`;
    if (isEnumType(type)) return type.getValues()[0]!.name;
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields()).filter(isRequiredInputField);
      return `{ ${fields.map((field) => `${field.name}: ${this.#value(field.type)}`).join(", ")} }`;
    }
    return type.name === "ID" ? `"dakar:${this.#number++}"` : type.name === "Boolean" ? "true" : "1";
  }
}
