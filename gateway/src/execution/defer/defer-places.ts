/**
 * Finds the places of a deferred fragment in an answer: all objects at the end of its way that the client has
 * been given.
 */
import { isObject, ownValue, type ResponsePath } from "../../ground/answer.ts";
import { isIncluded } from "../../ground/documents.ts";
import { clientName } from "../../ground/names-apart.ts";
import type { WayStep } from "./defer-split.ts";

/** An object at which something is deferred. */
export interface Start {
  /** The object as it was fetched. */
  source: unknown;
  /** The object as the client was given it. */
  built: unknown;
  /** The object's type if it has no `__typename`. */
  typeName: string;
  place: DataPlace;
}

/**
 * A place in the data and in the client's answer. The two paths differ where the client uses other field
 * names (names-apart.ts).
 */
export interface DataPlace {
  sourcePath: ResponsePath;
  path: ResponsePath;
}

/**
 * Calls `found` with each place, in the order of the answer.
 * @param variables with the defaults filled in
 * @param found returns false to stop
 */
export function eachPlace(
  start: Start,
  way: readonly WayStep[],
  variables: Record<string, unknown>,
  found: (place: DataPlace) => boolean,
): void {
  const path = [...start.place.path];
  const sourcePath = [...start.place.sourcePath];
  /** Returns false if `found` stopped it. */
  const follow = (source: unknown, built: unknown, typeName: string, depth: number): boolean => {
    if (Array.isArray(built)) {
      if (!Array.isArray(source)) return true;
      return built.every((element, index) => within(index, index, source[index], element, typeName, depth));
    }
    if (!isObject(built) || !isObject(source)) return true;
    const step = way[depth];
    if (step === undefined) return found({ path: [...path], sourcePath: [...sourcePath] });
    if (!isIncluded(step.directives, variables)) return true;
    switch (step.kind) {
      case "condition": {
        const own = typeof source.__typename === "string" ? source.__typename : typeName;
        return step.types && !step.types.has(own) ? true : follow(source, built, own, depth + 1);
      }
      case "field": {
        const { sourceName, typeName: fieldType } = step;
        const name = clientName(sourceName) ?? sourceName;
        const inner = ownValue(source, sourceName);
        return within(name, sourceName, inner, ownValue(built, name), fieldType, depth + 1);
      }
      default:
        return step satisfies never;
    }
  };
  const within = (
    step: string | number,
    sourceStep: string | number,
    source: unknown,
    built: unknown,
    typeName: string,
    depth: number,
  ): boolean => {
    path.push(step);
    sourcePath.push(sourceStep);
    const goesOn = follow(source, built, typeName, depth);
    path.pop();
    sourcePath.pop();
    return goesOn;
  };
  follow(start.source, start.built, start.typeName, 0);
}

/** The value at a path of the fetched data. */
export function valueAt(data: unknown, path: ResponsePath): unknown {
  let value = data;
  for (const step of path) {
    if (Array.isArray(value)) value = value[step as number];
    else if (isObject(value)) value = ownValue(value, String(step));
    else return undefined;
  }
  return value;
}
