/** Rules that all requests of clients have in common. */
import { containsNul } from "@teranga/kit/input.ts";
import { z } from "zod";

const ID_LENGTH_MAX = 100;
const KEY_LENGTH_MAX = 100;

/** A text that a database can hold: neither NUL nor half a surrogate pair. */
const text = (max: number) =>
  z
    .string()
    .min(1, "may not be empty")
    .max(max, `may have ${max} characters at most`)
    .refine((value) => !containsNul(value) && value.isWellFormed(), "may not have NUL or broken characters");

export const id = text(ID_LENGTH_MAX);

/**
 * The id of something that belongs to a city. Without a colon it would be the name of a town, and go to that
 * town's city.
 * @param what it is, for example "a client, such as dakar:1"
 */
export const cityBoundId = (what: string) => id.includes(":", `is not the id of ${what}`);

/** Null if the client gave none. */
export const idempotencyKey = text(KEY_LENGTH_MAX)
  .nullish()
  .transform((key) => key ?? null);

/** @param max the largest number of pieces */
export const quantity = (max: number) =>
  z.int().min(1, "must be at least 1").max(max, `may be ${max} at most`);
