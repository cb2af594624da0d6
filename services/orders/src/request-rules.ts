/** Rules that all requests of clients have in common. */
import { storable } from "@teranga/kit/graphql/input.ts";
import { z } from "zod";

const ID_LENGTH_MAX = 100;

export const id = storable(ID_LENGTH_MAX).min(1, "may not be empty");

/**
 * The id of something that belongs to a city. Without a colon it would be the name of a town, and go to that
 * town's city.
 * @param what it is, for example "a client, such as dakar:1"
 */
export const cityBoundId = (what: string) => id.includes(":", `is not the id of ${what}`);

/** @param max the largest number of pieces */
export const quantity = (max: number) =>
  z.int().min(1, "must be at least 1").max(max, `may be ${max} at most`);
