/** Rules that all client requests share. */
import { storable } from "@teranga/kit/graphql/input.ts";
import { z } from "zod";

const ID_LENGTH_MAX = 100;

export const id = storable(ID_LENGTH_MAX).min(1, "may not be empty");

/**
 * The id of an object that belongs to a city. Routing would take an id without a colon for a town, and send
 * the request to that town's city.
 * @param what the object, for example "a client, such as dakar:1"
 */
export const cityBoundId = (what: string) => id.includes(":", `is not the id of ${what}`);

/** @param max the largest number of pieces */
export const quantity = (max: number) =>
  z.int().min(1, "must be at least 1").max(max, `may be ${max} at most`);
