/** The rules of the catalog's inputs, beyond what the schema's types say. */
import { badInput } from "@teranga/kit/graphql/errors.ts";
import { idempotencyKey, parseInput, storable } from "@teranga/kit/graphql/input.ts";
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

const TAGS_MAX = 20;
const tags = z
  .array(
    storable(50)
      .trim()
      .min(1, "may not be empty")
      .regex(/^\P{Cc}*$/u, "must not have control characters"),
  )
  .max(TAGS_MAX, `may have ${TAGS_MAX} entries at most`);

export const createProductInput = z.object({ name, description, price, idempotencyKey });

/** Null counts as absent: no field of a product can be removed. */
export const updateProductInput = z.object({
  id: z.string(),
  name: name.nullish(),
  description: description.nullish(),
  price: price.nullish(),
  tagsToAdd: tags.nullish(),
  tagsToRemove: tags.nullish(),
  supplierId: z.string().nullish(),
});

const email = storable(200)
  .trim()
  .regex(/^[^\s@]+@[^\s@]+$/u, "is not an e-mail address");
const phone = storable(50)
  .trim()
  .regex(/^[+0-9][0-9 ().-]*$/u, "may have digits, spaces and + ( ) . - only");

export const createSupplierInput = z.object({
  name,
  email: email.nullish(),
  phone: phone.nullish(),
  idempotencyKey,
});

/** Null counts as absent: no field of a supplier can be removed. */
export const updateSupplierInput = z.object({
  id: z.string(),
  name: name.nullish(),
  email: email.nullish(),
  phone: phone.nullish(),
});

export const recordDeliveriesInput = z.object({
  supplierId: z.string(),
  count: z.number().int().min(1, "must be at least 1").max(1_000_000, "must be at most 1000000"),
  idempotencyKey,
});

/** What a person may write as the value of a field in conflict. The database has the value of each field. */
const VALUES = new Map<string, z.ZodType<string | number | boolean | string[]>>([
  ["name", name],
  ["description", description],
  [
    "price",
    z
      .string()
      .regex(/^[0-9]+$/, "is not a whole number")
      .transform(Number)
      .pipe(price),
  ],
  ["discontinued", z.enum(["true", "false"]).transform((text) => text === "true")],
  ["email", email],
  ["phone", phone],
  ["supplier_id", storable(100).min(1, "may not be empty")],
]);

/** The value of a field, read from a text. @throws GraphQLError BAD_USER_INPUT if the field cannot have it */
export function parseFieldValue(column: string, text: string): string | number | boolean | string[] {
  const schema = VALUES.get(column);
  if (!schema) throw badInput("input.value", "cannot be given for this field: choose a version");
  return parseInput(z.object({ value: schema }), { value: text }, "input").value;
}

export const productFilter = z.object({
  search: storable(SEARCH_LENGTH_MAX).nullish(),
  priceMin: z.number().int().nullish(),
  priceMax: z.number().int().nullish(),
  discontinued: z.boolean().nullish(),
});

/** The filter of a product list. A field that is null or absent does not narrow it. */
export type ProductFilter = z.infer<typeof productFilter>;
