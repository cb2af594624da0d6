/** What a client asks for, checked and brought into one form. */
import { createHash } from "node:crypto";
import { badInput } from "@teranga/kit/errors.ts";
import { containsNul, parseInput } from "@teranga/kit/input.ts";
import type { PartitionOf } from "@teranga/kit/partition.ts";
import type { PaymentMethod, PlaceOrderInput, QuoteOrderInput } from "@teranga/schema/generated/orders.ts";
import { z } from "zod";
import type { ProductQuantity } from "./model.ts";

export interface OrderRequest {
  clientId: string;
  /** The client's city: the home of the transaction. */
  homeId: string;
  /** One or more, each of another product, in the order of product ids. */
  lines: ProductQuantity[];
}

export interface PlaceOrderRequest extends OrderRequest {
  payment: PaymentMethod;
  /** The client's own, if it gave one. */
  idempotencyKey: string | null;
}

/** The home city takes the stock rows of all lines at the commit point; 100 keeps that short. */
const LINES_MAX = 100;
const QUANTITY_MAX = 10_000;
const ID_LENGTH_MAX = 100;
const KEY_LENGTH_MAX = 100;

/** A text that a database can hold: neither NUL nor half a surrogate pair. */
const text = (max: number) =>
  z
    .string()
    .min(1, "may not be empty")
    .max(max, `may have ${max} characters at most`)
    .refine((value) => !containsNul(value) && value.isWellFormed(), "may not have NUL or broken characters");

const line = z.object({
  productId: text(ID_LENGTH_MAX),
  quantity: z.int().min(1, "must be at least 1").max(QUANTITY_MAX, `may be ${QUANTITY_MAX} at most`),
});

const orderInput = z.object({
  // Without a colon it would be the name of a town, and the order would go to that town's city.
  clientId: text(ID_LENGTH_MAX).includes(":", "is not the id of a client, such as dakar:1"),
  lines: z
    .array(line)
    .min(1, "needs at least one line")
    .max(LINES_MAX, `may have ${LINES_MAX} lines at most`),
});

const placeInput = orderInput.extend({
  payment: z.literal("CASH_ON_DELIVERY"),
  idempotencyKey: text(KEY_LENGTH_MAX).nullish(),
});

/** @throws GraphQLError BAD_USER_INPUT naming the field, or UNKNOWN_CITY */
export function parseQuoteInput(input: QuoteOrderInput, partitionOf: PartitionOf): OrderRequest {
  return toRequest(parseInput(orderInput, input, "input"), partitionOf);
}

/** @throws GraphQLError BAD_USER_INPUT naming the field, or UNKNOWN_CITY */
export function parsePlaceInput(input: PlaceOrderInput, partitionOf: PartitionOf): PlaceOrderRequest {
  const parsed = parseInput(placeInput, input, "input");
  const { payment, idempotencyKey } = parsed;
  return { ...toRequest(parsed, partitionOf), payment, idempotencyKey: idempotencyKey ?? null };
}

function toRequest({ clientId, lines }: z.infer<typeof orderInput>, partitionOf: PartitionOf): OrderRequest {
  return { clientId, homeId: partitionOf(clientId), lines: addUp(lines) };
}

/** Adds up the lines of the same product; the sum is held to the limit of a line. */
function addUp(lines: readonly ProductQuantity[]): ProductQuantity[] {
  const quantities = new Map<string, number>();
  for (const [index, { productId, quantity }] of lines.entries()) {
    const sum = (quantities.get(productId) ?? 0) + quantity;
    if (sum > QUANTITY_MAX) {
      throw badInput(
        `input.lines.${index}.quantity`,
        `makes more than ${QUANTITY_MAX} pieces of the product`,
      );
    }
    quantities.set(productId, sum);
  }
  return [...quantities]
    .map(([productId, quantity]) => ({ productId, quantity }))
    .sort((a, b) => (a.productId < b.productId ? -1 : 1));
}

/**
 * A digest of everything that makes two requests the same: a key that comes back with another digest is refused. Lines count
 * after adding up, so their order and splitting do not matter.
 */
export function requestHash({ clientId, lines, payment }: PlaceOrderRequest): string {
  const canonical = [clientId, lines.map(({ productId, quantity }) => [productId, quantity]), payment];
  return createHash("sha256").update(JSON.stringify(canonical)).digest("hex");
}
