/** Checks of arguments beyond what GraphQL's types say: lengths, ranges, shapes. */
import type { z } from "zod";
import { badInput } from "./errors.ts";

/**
 * Parses `value` by `schema` and returns the result.
 * @param at the argument's name, the first part of the field that an error names
 * @throws GraphQLError BAD_USER_INPUT for the first rule that is broken
 */
export function parseInput<T extends z.ZodType>(schema: T, value: unknown, at: string): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw badInput([at, ...issue.path.map(String)].join("."), issue.message);
}

/** Whether a text holds a NUL character, which PostgreSQL cannot store. */
export function containsNul(text: string): boolean {
  return text.includes("\0");
}
