/**
 * Representations: the part of an object that tells a subgraph which entity is meant. Compiled once for each
 * fetch.
 */
import type { QueryPlanSelectionNode } from "@apollo/query-planner";
import {
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isListType,
  isNonNullType,
  Kind,
} from "graphql";
import { bareObject, isInherited, isObject, type JsonObject, mergeInto, ownValue } from "../ground/answer.ts";
import { fieldOf } from "../ground/stand-ins.ts";
import { typesWithin } from "./rewrites.ts";

/**
 * The representation of an object. Empty if the selections are for other types; null if the object lacks
 * something required.
 */
export type Represent = (source: JsonObject) => JsonObject | null;

type Part = (source: JsonObject, result: JsonObject) => boolean;

/**
 * @param schema the types of the supergraph
 * @param parent the type selected from, if the selections do not begin with type conditions
 */
export function compileRepresentation(
  selections: readonly QueryPlanSelectionNode[],
  schema: GraphQLSchema,
  parent?: GraphQLNamedType,
): Represent {
  const parts = selections.map((selection) => compilePart(selection, schema, parent));
  return (source) => {
    const result = bareObject();
    for (const part of parts) if (!part(source, result)) return null;
    return result;
  };
}

function compilePart(
  selection: QueryPlanSelectionNode,
  schema: GraphQLSchema,
  parent: GraphQLNamedType | undefined,
): Part {
  switch (selection.kind) {
    case Kind.FIELD: {
      const { name, alias = name } = selection;
      const type = parent && fieldOf(parent, name)?.type;
      const inner =
        selection.selections &&
        compileRepresentation(selection.selections, schema, type && getNamedType(type));
      const isOrdinary = !isInherited(alias);
      return (source, result) => {
        // A field that is required with arguments stands under the name of its stand-in.
        const value = isOrdinary ? source[alias] : ownValue(source, alias);
        const told = inner ? within(value, inner, type) : value;
        if (told === undefined) return false;
        // Several fields may require different members of one object.
        if (inner && name in result) mergeInto(result, { [name]: told });
        else result[name] = told;
        return true;
      };
    }
    case Kind.INLINE_FRAGMENT: {
      const { typeCondition } = selection;
      const type = typeCondition === undefined ? parent : schema.getType(typeCondition);
      const inner = compileRepresentation(selection.selections, schema, type);
      const types = typeCondition && typesWithin(schema, typeCondition);
      return (source, result) => {
        if (types && !types.has(source.__typename as string)) return true;
        const own = inner(source);
        if (!own) return false;
        mergeInto(result, own);
        return true;
      };
    }
    default:
      return selection satisfies never;
  }
}

/**
 * The represented form of a value. Undefined if something in the value lacks what is required. A list element
 * that lacks it becomes null where the schema allows null: the stock of a city that is down becomes null in
 * its place, and the rest can be added up.
 */
function within(value: unknown, represent: Represent, type: GraphQLOutputType | undefined): unknown {
  if (isObject(value)) return represent(value) ?? undefined;
  if (!Array.isArray(value)) return value;
  const list = type && getNullableType(type);
  const element = isListType(list) ? list.ofType : undefined;
  const ifLacking = element && !isNonNullType(element) ? null : undefined;
  const told = value.map((each) => {
    const own = within(each, represent, element);
    return own === undefined ? ifLacking : own;
  });
  return told.includes(undefined) ? undefined : told;
}

/**
 * The names of a representation's members by type. Exists only for representations that consist of strings
 * and numbers, with one fragment for each type.
 */
export type FlatMembers = ReadonlyMap<string, { names: readonly string[]; signature: string }>;

/**
 * The members that identify an entity, for fetches with plain representations. Nearly all are
 * `... on Type { __typename id }`.
 * @param schema the types of the supergraph
 */
export function flatMembers(
  selections: readonly QueryPlanSelectionNode[],
  schema: GraphQLSchema,
): FlatMembers | undefined {
  const members = new Map<string, { names: string[]; signature: string }>();
  for (const selection of selections) {
    if (selection.kind !== Kind.INLINE_FRAGMENT || selection.typeCondition === undefined) return undefined;
    const names: string[] = [];
    for (const inner of selection.selections) {
      if (inner.kind !== Kind.FIELD || inner.selections) return undefined;
      const name = inner.alias ?? inner.name;
      if (isInherited(name)) return undefined;
      if (name !== "__typename") names.push(name);
    }
    for (const type of typesWithin(schema, selection.typeCondition)) {
      if (members.has(type)) return undefined;
      members.set(type, { names, signature: names.join(" ") });
    }
  }
  return members;
}
