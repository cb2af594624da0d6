/** Checks of arguments that the city's mutations and lists share. */
import { idempotencyKey, storable as text } from "@teranga/kit/graphql/input.ts";
import { z } from "zod";

const filled = (max: number) =>
  text(max)
    .transform((value) => value.trim())
    .pipe(z.string().min(1, "may not be empty"));

/** A line end would show one name as two lines of a list. A direction mark would show it as another name. */
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
const line = (max: number) =>
  filled(max).refine((value) => !UNSEEN.test(value), "may not have line ends or other control characters");

const name = line(200);
const email = text(254)
  .transform((value) => value.trim())
  .pipe(z.email("is not an e-mail address"));
/** Kept without spaces, since it names the payer at a company outside (docs/payments.md). */
const phone = text(20)
  .transform((value) => value.replaceAll(" ", ""))
  .pipe(
    z
      .string()
      .regex(/^\+[1-9]\d{5,18}$/, "is not a telephone number in international form, such as +221771234567"),
  );
/** Routing takes a text with a colon for an id of a city. */
const town = line(100).refine((value) => !value.includes(":"), "may not have colons");
const productId = filled(100);

/** Null counts as absent. */
const optional = <T extends z.ZodType>(schema: T) =>
  schema.nullish().transform((value) => value ?? undefined);

/** A field that an update may leave out. Null is refused, since the column cannot be empty. */
const given = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === null ? "" : value), schema.optional());

export const registerClientInput = z.object({
  name,
  email,
  phone: phone.nullish().transform((value) => value ?? null),
  town,
  idempotencyKey,
});
export const updateClientInput = z.object({
  id: text(200),
  name: given(name),
  email: given(email),
  phone: phone.nullish(),
  town: given(town),
});
export const restockInput = z.object({
  cityId: text(200),
  productId,
  quantity: z.int().min(1, "must be at least 1").max(1_000_000, "may be 1,000,000 at most"),
  idempotencyKey,
});
export const topUpWalletInput = z.object({
  clientId: text(200),
  amount: z.int().min(1, "must be at least 1").max(10_000_000, "may be 10,000,000 at most"),
  idempotencyKey,
});

const search = text(100);
export const clientFilter = z.object({ search: optional(search), town: optional(text(100)) });
export const stockFilter = z.object({
  productIds: optional(z.array(text(200)).max(100, "may have 100 entries at most")),
  availableMin: optional(z.int()),
  availableMax: optional(z.int()),
});
export const orderFilter = z.object({
  status: optional(z.enum(["PLACED", "CANCELLED"])),
  placedFrom: optional(z.date()),
  placedBefore: optional(z.date()),
  totalMin: optional(z.int()),
});
export const recommendedFirst = z.int().min(1, "must be from 1 to 50").max(50, "must be from 1 to 50");
