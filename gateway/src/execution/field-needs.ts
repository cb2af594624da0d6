/**
 * What an object must have before each subgraph can be asked for its fields and entities: the content of
 * @requires and @key, in the form of a plan.
 */
import type { QueryPlanSelectionNode } from "@apollo/query-planner";
import {
  type GraphQLNamedType,
  isInterfaceType,
  isObjectType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from "graphql";
import { parseFieldSet } from "../ground/documents.ts";
import { readAs, requiredOn, type StandIns, whoNeeds } from "../ground/stand-ins.ts";
import { argumentsOf, directivesOf, type Supergraph } from "../ground/supergraph.ts";

export type Selections = readonly QueryPlanSelectionNode[];

export class FieldNeeds {
  /** By subgraph, type and field. */
  readonly #ofFields = new Map<string, Selections>();
  /** The resolvable keys, by subgraph and type. */
  readonly #keys = new Map<string, Selections[]>();
  readonly #supergraph: Supergraph;
  readonly #standIns: StandIns | undefined;

  constructor(supergraph: Supergraph, standIns: StandIns | undefined) {
    this.#supergraph = supergraph;
    this.#standIns = standIns;
    for (const type of Object.values(supergraph.schema.getTypeMap())) {
      if (isObjectType(type) || isInterfaceType(type)) this.#readType(type);
    }
  }

  /** The needs of a field of this type. The field may be asked for on another type, e.g. on an interface. */
  ofField(subgraph: string, type: string, askedOn: string, field: string): Selections {
    const own = this.#ofFields.get(whoNeeds(subgraph, type, field));
    return own ?? this.#ofFields.get(whoNeeds(subgraph, askedOn, field)) ?? [];
  }

  /** The keys by which a subgraph finds an object of this type, with the keys of the type's interfaces. */
  keysOf(subgraph: string, typeName: string): readonly Selections[] {
    const type = this.#supergraph.schema.getType(typeName);
    const above = isObjectType(type) || isInterfaceType(type) ? type.getInterfaces() : [];
    const names = [typeName, ...above.map(({ name }) => name)];
    return names.flatMap((name) => this.#keys.get(`${subgraph} ${name}`) ?? []);
  }

  #readType(type: Extract<GraphQLNamedType, { getFields(): object; getInterfaces(): object }>): void {
    for (const directive of directivesOf(type, "join__type")) {
      const { graph, key, resolvable } = argumentsOf(directive) as Record<string, string | boolean>;
      if (typeof key !== "string" || resolvable === false) continue;
      const place = `${this.#nameOf(graph as string)} ${type.name}`;
      this.#keys.set(place, [...(this.#keys.get(place) ?? []), selectionsOf(parseFieldSet(key))]);
    }
    for (const field of Object.values(type.getFields())) {
      for (const directive of directivesOf(field, "join__field")) {
        const { graph, requires } = argumentsOf(directive) as Record<string, string | undefined>;
        if (graph === undefined || requires === undefined) continue;
        const who = whoNeeds(this.#nameOf(graph), type.name, field.name);
        this.#ofFields.set(who, this.#required(type.name, requires));
      }
    }
  }

  #nameOf = (graph: string): string => this.#supergraph.subgraphs.get(graph)!.name;

  /** A field that is required with arguments stands in the data under the name of its stand-in. */
  #required(type: string, text: string): Selections {
    const standIns = this.#standIns;
    if (!standIns) return selectionsOf(parseFieldSet(text));
    const planned = standIns.requires.get(requiredOn(type, text)) ?? text;
    return selectionsOf(parseFieldSet(planned)).map((selection) => readAs(selection, standIns));
  }
}

function selectionsOf({ selections }: SelectionSetNode): QueryPlanSelectionNode[] {
  return selections.map((selection: SelectionNode): QueryPlanSelectionNode => {
    switch (selection.kind) {
      case Kind.FIELD: {
        const inner = selection.selectionSet && selectionsOf(selection.selectionSet);
        return { kind: Kind.FIELD, name: selection.name.value, ...(inner && { selections: inner }) };
      }
      case Kind.INLINE_FRAGMENT: {
        const selections = selectionsOf(selection.selectionSet);
        const typeCondition = selection.typeCondition?.name.value;
        return { kind: Kind.INLINE_FRAGMENT, selections, ...(typeCondition && { typeCondition }) };
      }
      default:
        throw new Error("a field set has no fragment spreads");
    }
  });
}
