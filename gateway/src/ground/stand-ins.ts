/**
 * Stand-ins for fields with arguments that some @requires names. The planner fetches a field once, under its
 * own name, for all that use it: with the client's arguments or those of one @requires, and the data are
 * wrong for the others. So in the graph that it plans on, each such field has a stand-in without arguments
 * (`apart_1` for `price(currency: EUR)`). The finished plan gets the real field back.
 */
import type { QueryPlanSelectionNode } from "@apollo/query-planner";
import {
  type FieldNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isObjectType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from "graphql";
import { parseFieldSet, printCompact } from "./documents.ts";
import { nameApart } from "./names-apart.ts";
import { argumentsOf, directivesOf, type Supergraph } from "./supergraph.ts";

/** One step down into the required fields. */
export interface NeedStep {
  /** The type on which the field is asked for. */
  type: GraphQLNamedType;
  /** The service's name for the field. */
  field: string;
  /** The planner's name: the stand-in, if there is one. */
  planned: string;
}

/** The place of a stand-in in the required fields: the steps to it. The last step is the stand-in. */
export type Need = readonly NeedStep[];

export interface StandIns {
  /** The types of the supergraph. */
  schema: GraphQLSchema;
  /** The real fields, without selections, by the stand-in's name. */
  fields: ReadonlyMap<string, FieldNode>;
  /** The stand-ins that a type needs, by the type's name. */
  ofTypes: ReadonlyMap<string, ReadonlySet<string>>;
  /**
   * The text of each @requires in the planner's graph, by its text in the supergraph and the type on which it
   * stands.
   */
  requires: ReadonlyMap<string, string>;
  /** By subgraph, type and field (`whoNeeds`). */
  needs: ReadonlyMap<string, readonly Need[]>;
}

export const whoNeeds = (subgraph: string, type: string, field: string): string =>
  `${subgraph} ${type}.${field}`;

/** The key of `StandIns.requires`. */
export const requiredOn = (type: string, fields: string): string => `${type} ${fields}`;

/** The definition of a field. Undefined if the type defines no such field, as for `__typename`. */
export function fieldOf(type: GraphQLNamedType, name: string): GraphQLField<unknown, unknown> | undefined {
  return isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
}

/** Undefined if no @requires of the graph names a field with arguments. */
export function readStandIns(supergraph: Supergraph): StandIns | undefined {
  const reader = new StandInReader(supergraph);
  for (const type of Object.values(supergraph.schema.getTypeMap())) {
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      for (const directive of directivesOf(field, "join__field")) {
        const { graph, requires } = argumentsOf(directive) as { graph?: string; requires?: string };
        if (graph === undefined || requires === undefined) continue;
        reader.read(type, requires, whoNeeds(supergraph.subgraphs.get(graph)!.name, type.name, field.name));
      }
    }
  }
  return reader.fields.size > 0 ? reader : undefined;
}

class StandInReader implements StandIns {
  readonly schema: GraphQLSchema;
  readonly fields = new Map<string, FieldNode>();
  readonly ofTypes = new Map<string, Set<string>>();
  readonly requires = new Map<string, string>();
  readonly needs = new Map<string, readonly Need[]>();
  readonly #sdl: string;
  #lastNumber = 0;
  /** The stand-ins, by the printed field. */
  readonly #names = new Map<string, string>();

  constructor(supergraph: Supergraph) {
    this.#sdl = supergraph.sdl;
    this.schema = supergraph.schema;
  }

  read(type: GraphQLNamedType, text: string, who: string): void {
    const needs: Need[] = [];
    const replaced = this.#replaceIn(parseFieldSet(text), type, [], needs);
    if (needs.length === 0) return;
    this.requires.set(requiredOn(type.name, text), printCompact(replaced).slice(1, -1));
    this.needs.set(who, needs);
  }

  #replaceIn(
    selectionSet: SelectionSetNode,
    type: GraphQLNamedType,
    steps: Need,
    needs: Need[],
  ): SelectionSetNode {
    const selections = selectionSet.selections.map((selection): SelectionNode => {
      if (selection.kind === Kind.FIELD) return this.#replace(selection, type, steps, needs);
      if (selection.kind === Kind.FRAGMENT_SPREAD) throw new Error("a field set has no fragment spreads");
      const condition = selection.typeCondition?.name.value;
      const inner = condition === undefined ? type : this.schema.getType(condition)!;
      return { ...selection, selectionSet: this.#replaceIn(selection.selectionSet, inner, steps, needs) };
    });
    return { ...selectionSet, selections };
  }

  #replace(node: FieldNode, type: GraphQLNamedType, above: Need, needs: Need[]): FieldNode {
    const field = node.name.value;
    const definition = fieldOf(type, field);
    const isReplaced = definition !== undefined && definition.args.length > 0;
    const planned = isReplaced ? this.#standInFor(node, type) : field;
    const steps = [...above, { type, field, planned }];
    if (isReplaced) needs.push(steps);
    const inner =
      node.selectionSet && this.#replaceIn(node.selectionSet, getNamedType(definition!.type), steps, needs);
    return {
      kind: Kind.FIELD,
      name: { kind: Kind.NAME, value: planned },
      ...(inner && { selectionSet: inner }),
    };
  }

  #standInFor({ selectionSet: _, ...field }: FieldNode, parent: GraphQLNamedType): string {
    const text = printCompact(field);
    const name = this.#names.get(text) ?? this.#newName();
    this.#names.set(text, name);
    this.fields.set(name, field);
    this.#addTo(parent, name);
    if (isInterfaceType(parent)) {
      const { objects, interfaces } = this.schema.getImplementations(parent);
      for (const type of [...objects, ...interfaces]) this.#addTo(type, name);
    }
    return name;
  }

  /** A name that does not occur in the supergraph. */
  #newName(): string {
    let name: string;
    do name = nameApart(++this.#lastNumber);
    while (this.#sdl.includes(name));
    return name;
  }

  #addTo({ name: type }: GraphQLNamedType, standIn: string): void {
    const own = this.ofTypes.get(type) ?? new Set();
    this.ofTypes.set(type, own.add(standIn));
  }
}

/** The selection as the subgraph reads it: `price`, which stands as `apart_1` in the data. */
export function readAs(selection: QueryPlanSelectionNode, standIns: StandIns): QueryPlanSelectionNode {
  const inner = selection.selections?.map((each) => readAs(each, standIns));
  if (selection.kind === Kind.INLINE_FRAGMENT) return { ...selection, selections: inner! };
  const real = standIns.fields.get(selection.name);
  return {
    ...selection,
    ...(real && { alias: selection.alias ?? selection.name, name: real.name.value }),
    ...(inner && { selections: inner }),
  };
}
