/** Checks of arguments beyond what GraphQL's types say: lengths, ranges, shapes. */
import { z } from "zod";
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

/**
 * Whether PostgreSQL can store and compare a text. It refuses NUL, and half of a surrogate pair would arrive
 * as another character.
 */
export const isStorable = (text: string): boolean => !text.includes("\0") && text.isWellFormed();

/** A text that PostgreSQL can store. */
export const storable = (lengthMax: number) =>
  z
    .string()
    .max(lengthMax, `may have ${lengthMax} characters at most`)
    .refine((value) => !value.includes("\0"), "may not have NUL characters")
    .refine((value) => value.isWellFormed(), "may not have half characters");

/** A client's idempotency key: a request with it happens once. Null if the client gave none. */
export const idempotencyKey = storable(100)
  .min(1, "may not be empty")
  .nullish()
  .transform((key) => key ?? null);
