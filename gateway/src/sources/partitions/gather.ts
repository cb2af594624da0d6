/** Gathered lists: a root field that every partition answers with its part. */
import type { GraphQLFormattedError } from "graphql";
import {
  type AnsweredPart,
  errorAt,
  ownValue,
  type PartAnswer,
  type ResponsePath,
} from "../../ground/answer.ts";
import { clientPath, type PartitionRun } from "./partition-run.ts";

/** A partition's share of a gathered list is a list, if only an empty one, whatever the field allows. */
export function hasLists({ data, errors }: AnsweredPart, names: ReadonlySet<string>): boolean {
  return errors.length > 0 || [...names].every((name) => Array.isArray(ownValue(data ?? {}, name)));
}

/** Joins the partitions' lists. A partition without a list is one null element, with an error that says why. */
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
      const path = gatheredPath(clientPath(error, run), name, start, joined.length);
      if (path) errors.push(errorAt(error, path));
    }
  }
  return joined;
}

/** An error's path in the joined list, whose part from `start` to `end` it is about; undefined if it is another field's. */
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
