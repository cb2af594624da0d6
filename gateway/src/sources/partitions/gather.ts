/** Gathered lists: every partition answers a root field with its part of the list. */
import type { GraphQLFormattedError } from "graphql";
import {
  type AnsweredPart,
  errorAt,
  ownValue,
  type PartAnswer,
  type ResponsePath,
} from "../../ground/answer.ts";
import { type PartitionRun, pathWithoutTokens } from "./partition-run.ts";

/**
 * A partition must answer a gathered field with a list, perhaps an empty one, even if the field is nullable.
 */
export function hasLists({ data, errors }: AnsweredPart, names: ReadonlySet<string>): boolean {
  return errors.length > 0 || [...names].every((name) => Array.isArray(ownValue(data ?? {}, name)));
}

/**
 * Joins the partitions' lists. A partition without a list becomes a null element with an error that says why.
 */
export function gather(
  name: string,
  answers: readonly { answer: PartAnswer }[],
  errors: GraphQLFormattedError[],
  run: PartitionRun,
): unknown[] {
  const joined: unknown[] = [];
  for (const { answer } of answers) {
    const start = joined.length;
    const list = answer.kind === "answered" ? ownValue(answer.data ?? {}, name) : undefined;
    if (Array.isArray(list)) for (const element of list) joined.push(element);
    else joined.push(null);
    if (answer.kind === "failed") {
      errors.push(errorAt(answer.error, [name, start]));
      continue;
    }
    for (const error of answer.errors) {
      const path = gatheredPath(pathWithoutTokens(error, run), name, start, joined.length);
      if (path) errors.push(errorAt(error, path));
    }
  }
  return joined;
}

/**
 * The path of a partition's error in the joined list, where its part is from `start` to `end`. Undefined if
 * the error is another field's.
 */
function gatheredPath(
  path: ResponsePath | undefined,
  name: string,
  start: number,
  end: number,
): ResponsePath | undefined {
  if (!path?.length) return [name, start];
  const [field, index, ...rest] = path;
  if (field !== name) return undefined;
  const isWithin = typeof index === "number" && start + index < end;
  return isWithin ? [name, start + index, ...rest] : [name, start];
}
