/**
 * What a supergraph asks of whoever asks for a field. Of the field `Client.email` with the value `Email`: the
 * requirements of the type `Client`, of the field, and of `Email`, all of them. Besides:
 *
 * - of a field of an interface, also those of the same field of each type that implements it: an object of
 *   any of them may be the answer;
 * - of a field that @requires others, also theirs: its value may tell theirs;
 * - of a type, also what an interface says that it implements, if that does not follow from what its types
 *   say. The newer composition writes all that the types say on the interface, and the older one took what
 *   people wrote there.
 *
 * `__typename` tells the object's type, so it has the requirements of that. Arguments have none.
 */
import { type Requirement, requirementsOf } from "@teranga/kit/identity/requirement.ts";
import {
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isObjectType,
  isUnionType,
  Kind,
  type SelectionSetNode,
} from "graphql";
import { parseFieldSet } from "../ground/documents.ts";
import { fieldOf } from "../ground/stand-ins.ts";
import { argumentsOf, directivesOf, type Supergraph } from "../ground/supergraph.ts";
import { imply } from "./alternatives.ts";
import { requirementNames } from "./requirement-names.ts";

/** The numbers of requirements. */
type Numbers = readonly number[];

interface Coordinate {
  type: GraphQLNamedType;
  field: string;
}

const NONE: Numbers = [];
const TABLES = new WeakMap<Supergraph, RequirementTable>();

/** Made once a supergraph. */
export function requirementTableOf(supergraph: Supergraph): RequirementTable {
  const known = TABLES.get(supergraph) ?? new RequirementTable(supergraph);
  TABLES.set(supergraph, known);
  return known;
}

export class RequirementTable {
  /** All that differ. Elsewhere a requirement is its number in this list. */
  readonly all: Requirement[] = [];
  readonly #schema: GraphQLSchema;
  readonly #numbers = new Map<string, number>();
  /** What is said at a type (`Client`) or a field (`Client.email`) itself. */
  readonly #said = new Map<string, Numbers>();
  /** By field, with everything that it leads to. */
  readonly #known = new Map<string, Numbers>();

  constructor({ schema }: Supergraph) {
    this.#schema = schema;
    const names = requirementNames(schema);
    const types = Object.values(schema.getTypeMap());
    const read = (where: string, directives: Parameters<typeof requirementsOf>[0]) => {
      const said = requirementsOf(directives, names).map((each) => this.#numberOf(each));
      if (said.length > 0) this.#said.set(where, said);
    };
    for (const type of types) {
      read(type.name, type.astNode?.directives);
      if (!isObjectType(type) && !isInterfaceType(type)) continue;
      for (const field of Object.values(type.getFields()))
        read(`${type.name}.${field.name}`, field.astNode?.directives);
    }
    const added = types.filter(isObjectType).flatMap((type) => this.#inherited(type));
    for (const [where, numbers] of added) this.#said.set(where, [...this.#at(where), ...numbers]);
  }

  /** Whether nothing is asked of anybody. */
  get isEmpty(): boolean {
    return this.all.length === 0;
  }

  /** What is asked for a field of an object, interface or union. */
  of(typeName: string, field: string): Numbers {
    if (this.isEmpty) return NONE;
    const key = `${typeName}.${field}`;
    let known = this.#known.get(key);
    if (!known) {
      const type = this.#schema.getType(typeName);
      known = type ? this.#read({ type, field }) : NONE;
      this.#known.set(key, known);
    }
    return known;
  }

  #numberOf(requirement: Requirement): number {
    const key = JSON.stringify(requirement);
    const number = this.#numbers.get(key) ?? this.all.push(requirement) - 1;
    this.#numbers.set(key, number);
    return number;
  }

  #at = (where: string): Numbers => this.#said.get(where) ?? NONE;

  /** What the interfaces of a type say of it and of its fields, and their types do not. */
  #inherited(type: GraphQLObjectType): [where: string, numbers: Numbers][] {
    return type.getInterfaces().flatMap((above) => {
      const { objects } = this.#schema.getImplementations(above);
      const own = (end: string): [string, Numbers] => {
        const below = objects.flatMap(({ name }) => this.#at(name + end)).map((each) => this.all[each]!);
        return [type.name + end, this.#at(above.name + end).filter((each) => !imply(below, this.all[each]!))];
      };
      return [own(""), ...Object.keys(above.getFields()).map((field) => own(`.${field}`))];
    });
  }

  /** Follows everything that a field leads to. */
  #read(start: Coordinate): Numbers {
    const numbers = new Set<number>();
    const seen = new Set<string>();
    const open = [start];
    for (let next = open.pop(); next; next = open.pop()) {
      const key = `${next.type.name}.${next.field}`;
      if (seen.has(key)) continue;
      seen.add(key);
      for (const number of this.#own(next)) numbers.add(number);
      open.push(...this.#implementations(next), ...this.#required(next));
    }
    return [...numbers].sort((a, b) => a - b);
  }

  #own({ type, field }: Coordinate): Numbers {
    if (isUnionType(type)) return NONE;
    if (field === "__typename") return isObjectType(type) ? this.#at(type.name) : NONE;
    const definition = fieldOf(type, field);
    // Introspection tells nothing of anybody.
    if (!definition) return NONE;
    const value = getNamedType(definition.type).name;
    return [...this.#at(type.name), ...this.#at(`${type.name}.${field}`), ...this.#at(value)];
  }

  #implementations({ type, field }: Coordinate): Coordinate[] {
    if (!isInterfaceType(type) || !fieldOf(type, field)) return [];
    return this.#schema.getPossibleTypes(type).map((object) => ({ type: object, field }));
  }

  /**
   * The fields that the field @requires, in any subgraph. That of an interface object stands at the
   * interface.
   */
  #required({ type, field }: Coordinate): Coordinate[] {
    if (!isObjectType(type) && !isInterfaceType(type)) return [];
    return [type, ...type.getInterfaces()].flatMap((each) => {
      const definition = fieldOf(each, field);
      const joins = definition ? directivesOf(definition, "join__field").map(argumentsOf) : [];
      return joins.flatMap(({ requires }) =>
        typeof requires === "string" ? this.#fieldsIn(parseFieldSet(requires), type) : [],
      );
    });
  }

  #fieldsIn({ selections }: SelectionSetNode, type: GraphQLNamedType): Coordinate[] {
    return selections.flatMap((selection): Coordinate[] => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) return [];
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = selection.typeCondition?.name.value;
        const inner = condition === undefined ? type : this.#schema.getType(condition);
        return inner ? this.#fieldsIn(selection.selectionSet, inner) : [];
      }
      const field = selection.name.value;
      const value = fieldOf(type, field)?.type;
      const below =
        value && selection.selectionSet ? this.#fieldsIn(selection.selectionSet, getNamedType(value)) : [];
      return [{ type, field }, ...below];
    });
  }
}
