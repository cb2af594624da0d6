/**
 * Representations: what of an object is sent to a subgraph so that it knows which entity is meant. Compiled
 * once a fetch.
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
import { isObject, type JsonObject, ownValue } from "../ground/answer.ts";
import { bareObject, isInherited } from "../ground/bare-object.ts";
import { fieldOf } from "../ground/stand-ins.ts";
import { mergeInto } from "./merge.ts";
import { typesWithin } from "./rewrites.ts";

/**
 * The representation of an object, empty if the selections are of other types; null if it lacks something
 * that is required.
 */
export type Represent = (source: JsonObject) => JsonObject | null;

type Part = (source: JsonObject, result: JsonObject) => boolean;

/**
 * @param schema the supergraph's types
 * @param parent what is selected from, if the selections do not begin with type conditions
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
        // A field that is required with arguments stands under a name of its own.
        const value = isOrdinary ? source[alias] : ownValue(source, alias);
        const told = inner ? within(value, inner, type) : value;
        if (told === undefined) return false;
        // Fields may require different things of one object.
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
 * What is told of a value; undefined if something in it lacks what is required. An element may be null for
 * that where the schema lets it: the stock of a city that is down is a null in its place, and the rest can be
 * added up.
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
 * The names of a representation's members by type, if each type's are texts and numbers alone, and one
 * fragment tells them.
 */
export type FlatMembers = ReadonlyMap<string, { names: readonly string[]; signature: string }>;

/**
 * What says which entity is meant, for fetches whose representations are plain: nearly all are `... on Type {
 * __typename id }`.
 * @param schema the supergraph's types
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
