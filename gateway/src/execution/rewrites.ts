/** Compiles the planner's rewrites: small changes to what is sent to a subgraph or comes back from it. */
import type { FetchDataRewrite } from "@apollo/query-planner";
import { type GraphQLSchema, isAbstractType } from "graphql";
import { isObject, type JsonObject, ownValue, setOwn } from "../ground/answer.ts";

/** Changes an object in place. */
export type Rewrite = (value: unknown) => void;

/** How the planner marks a type condition in a path. */
const TYPE_CONDITION = "... on ";

/** All rewrites in order. Undefined if there are none. */
export function compileRewrites(
  rewrites: readonly FetchDataRewrite[] | undefined,
  schema: GraphQLSchema,
): Rewrite | undefined {
  if (!rewrites?.length) return undefined;
  const all = rewrites.map((rewrite) => compileRewrite(rewrite, schema));
  return (value) => {
    for (const rewrite of all) rewrite(value);
  };
}

function compileRewrite(rewrite: FetchDataRewrite, schema: GraphQLSchema): Rewrite {
  const last = rewrite.path.at(-1)!;
  const change = changeOf(rewrite, last);
  return rewrite.path
    .slice(0, -1)
    .reduceRight<Rewrite>((inner, step) => at(step, inner, schema), everywhere(change));
}

function changeOf(rewrite: FetchDataRewrite, name: string): (object: JsonObject) => void {
  switch (rewrite.kind) {
    case "ValueSetter":
      return (object) => setOwn(object, name, rewrite.setValueTo);
    case "KeyRenamer":
      return (object) => {
        const value = ownValue(object, name);
        if (value === undefined) return;
        delete object[name];
        setOwn(object, rewrite.renameKeyTo, value);
      };
    default:
      return rewrite satisfies never;
  }
}

/** A rewrite's path passes through lists. */
function everywhere(change: (object: JsonObject) => void): Rewrite {
  const apply: Rewrite = (value) => {
    if (Array.isArray(value)) for (const element of value) apply(element);
    else if (isObject(value)) change(value);
  };
  return apply;
}

function at(step: string, inner: Rewrite, schema: GraphQLSchema): Rewrite {
  if (!step.startsWith(TYPE_CONDITION)) return everywhere((object) => inner(ownValue(object, step)));
  const types = typesWithin(schema, step.slice(TYPE_CONDITION.length));
  // An object without `__typename` counts as one of the right type: the planner has made sure of that.
  return everywhere((object) => {
    const typeName = ownValue(object, "__typename");
    if (typeof typeName !== "string" || types.has(typeName)) inner(object);
  });
}

/** The names of all types that a type condition admits, with its own. */
export function typesWithin(schema: GraphQLSchema, condition: string): ReadonlySet<string> {
  const type = schema.getType(condition);
  const names = new Set([condition]);
  if (!type || !isAbstractType(type)) return names;
  for (const possible of schema.getPossibleTypes(type)) names.add(possible.name);
  if ("getInterfaces" in type) {
    for (const own of schema.getImplementations(type).interfaces) names.add(own.name);
  }
  return names;
}
