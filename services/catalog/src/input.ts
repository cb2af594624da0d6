/** The rules of the catalog's inputs, beyond what the schema's types say. */
import { idempotencyKey, storable } from "@teranga/kit/graphql/input.ts";
import { z } from "zod";

const PRICE_MAX = 1_000_000_000;
const NAME_LENGTH_MAX = 200;
const DESCRIPTION_LENGTH_MAX = 2_000;
const SEARCH_LENGTH_MAX = 100;

const price = z.number().int().min(1, "must be at least 1").max(PRICE_MAX, `must be at most ${PRICE_MAX}`);

/** A name: one line of text with a visible part, by which people can tell products apart. */
const name = z
  .string()
  .trim()
  .pipe(
    storable(NAME_LENGTH_MAX)
      .regex(/^\P{Cc}*$/u, "must not have control characters")
      .regex(/[^\s\-'’]/u, "must have a character beside spaces, hyphens and apostrophes"),
  );

const description = z.string().trim().pipe(storable(DESCRIPTION_LENGTH_MAX));

export const createProductInput = z.object({ name, description, price, idempotencyKey });

/** Null counts as absent: no field of a product can be removed. */
export const updateProductInput = z.object({
  id: z.string(),
  name: name.nullish(),
  description: description.nullish(),
  price: price.nullish(),
});

export const productFilter = z.object({
  search: storable(SEARCH_LENGTH_MAX).nullish(),
  priceMin: z.number().int().nullish(),
  priceMax: z.number().int().nullish(),
  discontinued: z.boolean().nullish(),
});

/** The filter of a product list. A field that is null or absent does not narrow it. */
export type ProductFilter = z.infer<typeof productFilter>;
