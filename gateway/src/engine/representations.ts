/** Representations: what of an object is sent to a subgraph so that it knows which entity is meant. Compiled once a fetch. */
import type { QueryPlanSelectionNode } from "@apollo/query-planner";
import { type GraphQLSchema, Kind } from "graphql";
import { isObject, type JsonObject, ownValue } from "../answer.ts";
import { bareObject, isInherited } from "./bare-object.ts";
import { mergeInto } from "./merge.ts";
import { typesWithin } from "./rewrites.ts";

/** The representation of an object; null if it lacks a field that is required. */
export type Represent = (source: JsonObject) => JsonObject | null;

type Part = (source: JsonObject, result: JsonObject) => boolean;

/** @param schema the supergraph's types */
export function compileRepresentation(
  selections: readonly QueryPlanSelectionNode[],
  schema: GraphQLSchema,
): Represent {
  const parts = selections.map((selection) => compilePart(selection, schema));
  return (source) => {
    const result = bareObject();
    for (const part of parts) if (!part(source, result)) return null;
    return result;
  };
}

function compilePart(selection: QueryPlanSelectionNode, schema: GraphQLSchema): Part {
  switch (selection.kind) {
    case Kind.FIELD: {
      const { name, alias = name } = selection;
      const inner = selection.selections && compileRepresentation(selection.selections, schema);
      const isOrdinary = !isInherited(alias);
      return (source, result) => {
        // A field that is required with arguments stands under a name of its own.
        const value = isOrdinary ? source[alias] : ownValue(source, alias);
        if (value === undefined) return false;
        result[name] = inner ? within(value, inner) : value;
        return true;
      };
    }
    case Kind.INLINE_FRAGMENT: {
      const inner = compileRepresentation(selection.selections, schema);
      const types = selection.typeCondition && typesWithin(schema, selection.typeCondition);
      return (source, result) => {
        if (!types || types.has(source.__typename as string)) {
          const own = inner(source);
          if (own) mergeInto(result, own);
        }
        return true;
      };
    }
    default:
      return selection satisfies never;
  }
}

function within(value: unknown, represent: Represent): unknown {
  if (Array.isArray(value)) return value.map((element) => within(element, represent));
  return isObject(value) ? represent(value) : value;
}

/** The names of a representation's members by type, if each type's are texts and numbers alone, and one fragment tells them. */
export type FlatMembers = ReadonlyMap<string, { names: readonly string[]; signature: string }>;

/**
 * What says which entity is meant, for fetches whose representations are plain: nearly all are `... on Type { __typename id }`.
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
