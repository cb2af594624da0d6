/** Puts entities that were kept and entities that were fetched into one answer. */
import type { GraphQLFormattedError } from "graphql";
import { copyJson, errorAt, isObject, type PartAnswer } from "../ground/answer.ts";
import { limitErrors } from "../ground/service-errors.ts";
import type { KeptPart } from "./kept-fetch.ts";

/** What came from the service: the answer has the parts in this order. */
export interface Fetched {
  parts: readonly KeptPart[];
  answer: PartAnswer;
}

/** @param values the entities that were kept, by key; those that were fetched are added */
export function weave(
  parts: readonly KeptPart[],
  values: Map<string, unknown>,
  all: readonly Fetched[],
): PartAnswer {
  const indexes = new Map(parts.map(({ key }, index) => [key, index] as const).reverse());
  const errors = all.flatMap((fetched) => takeFetched(fetched, values, indexes));
  const used = new Set<string>();
  const entities = parts.map(({ key }) => {
    const value = values.get(key) ?? null;
    // Whoever gets the answer may change each entity.
    if (used.has(key)) return copyJson(value);
    used.add(key);
    return value;
  });
  return { kind: "answered", data: { _entities: entities }, errors: limitErrors(errors) };
}

/** What each part has in an answer. Undefined if something is missing. */
export function valuesOf(parts: readonly KeptPart[], answer: PartAnswer): unknown[] | undefined {
  if (answer.kind === "failed" || answer.errors.length > 0 || !answer.data) return undefined;
  if (parts[0]!.representation === undefined) return [answer.data];
  const { _entities: entities } = answer.data;
  return Array.isArray(entities) && entities.length === parts.length ? entities : undefined;
}

export function isNothing(value: unknown, isEntity: boolean): boolean {
  if (isEntity || !isObject(value)) return value === null;
  return Object.values(value).every((field) => field === null);
}

/** Puts what was fetched beside what was kept. Returns the errors, at the indexes of the whole request. */
function takeFetched(
  { parts, answer }: Fetched,
  values: Map<string, unknown>,
  indexes: ReadonlyMap<string, number>,
): GraphQLFormattedError[] {
  const indexOf = (part: number) => indexes.get(parts[part]?.key ?? "");
  if (answer.kind === "failed")
    return parts.map((_, at) => errorAt(answer.error, ["_entities", indexOf(at)!]));
  const entities = Array.isArray(answer.data?._entities) ? answer.data._entities : [];
  for (const [at, { key }] of parts.entries()) values.set(key, entities[at] ?? null);
  return answer.errors.map((error) => {
    const [root, at, ...rest] = error.path ?? [];
    const index = root === "_entities" && typeof at === "number" ? indexOf(at) : undefined;
    return index === undefined ? error : { ...error, path: ["_entities", index, ...rest] };
  });
}
