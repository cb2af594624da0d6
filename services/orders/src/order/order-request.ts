/** The checked input of quoteOrder and placeOrder, in a canonical form. */

import { badInput } from "@teranga/kit/graphql/errors.ts";
import { idempotencyKey, parseInput } from "@teranga/kit/graphql/input.ts";
import { digest } from "@teranga/kit/process/digest.ts";
import type { PartitionOf } from "@teranga/kit/topology/partition.ts";
import type { ProductQuantity } from "@teranga/protocol/messages.ts";
import type { PaymentMethod, PlaceOrderInput, QuoteOrderInput } from "@teranga/schema/generated/orders.ts";
import { z } from "zod";
import { cityBoundId, id, quantity } from "../request-rules.ts";

export interface OrderRequest {
  clientId: string;
  /** The client's city: the home of the transaction. */
  homeId: string;
  /** One line or more, each of another product, in the order of product ids. */
  lines: ProductQuantity[];
}

export interface PlaceOrderRequest extends OrderRequest {
  payment: PaymentMethod;
  /** The client's own key; null if it gave none. */
  idempotencyKey: string | null;
  /** The cost that the client was shown; null if it does not say. */
  expectedTotal: number | null;
  /** The most cities that may give; null for any number. */
  maxSplits: number | null;
}

/** At the commit point the home city locks the stock rows of all lines. 100 lines keep that short. */
const LINES_MAX = 100;
const QUANTITY_MAX = 10_000;
/** More cities than any topology has. */
const SPLITS_MAX = 100;

const line = z.object({ productId: id, quantity: quantity(QUANTITY_MAX) });

const orderInput = z.object({
  clientId: cityBoundId("a client, such as dakar:1"),
  lines: z
    .array(line)
    .min(1, "needs at least one line")
    .max(LINES_MAX, `may have ${LINES_MAX} lines at most`),
});

const placeInput = orderInput.extend({
  payment: z.enum(["CASH_ON_DELIVERY", "WALLET", "MOBILE_MONEY"]),
  idempotencyKey,
  expectedTotal: z.int().min(0, "may not be negative").nullish(),
  maxSplits: z.int().min(1, "must be at least 1").max(SPLITS_MAX, `may be ${SPLITS_MAX} at most`).nullish(),
});

/** @throws GraphQLError BAD_USER_INPUT naming the field, or UNKNOWN_CITY */
export function parseQuoteInput(input: QuoteOrderInput, partitionOf: PartitionOf): OrderRequest {
  return toRequest(parseInput(orderInput, input, "input"), partitionOf);
}

/** @throws GraphQLError BAD_USER_INPUT naming the field, or UNKNOWN_CITY */
export function parsePlaceInput(input: PlaceOrderInput, partitionOf: PartitionOf): PlaceOrderRequest {
  const parsed = parseInput(placeInput, input, "input");
  const { payment, idempotencyKey, expectedTotal = null, maxSplits = null } = parsed;
  return { ...toRequest(parsed, partitionOf), payment, idempotencyKey, expectedTotal, maxSplits };
}

function toRequest({ clientId, lines }: z.infer<typeof orderInput>, partitionOf: PartitionOf): OrderRequest {
  return { clientId, homeId: partitionOf(clientId), lines: addUp(lines) };
}

/** Adds up the lines of the same product. The sum must also keep within the limit of a line. */
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
 * The digest that two calls with one key must share. Lines count after adding up, so their order and
 * splitting do not matter. An optional field counts only if it is given, so that digests stay valid when
 * requests get new fields.
 */
export function requestHash({
  clientId,
  lines,
  payment,
  expectedTotal,
  maxSplits,
}: PlaceOrderRequest): string {
  const quantities = lines.map(({ productId, quantity }) => [productId, quantity]);
  const given = Object.entries({ expectedTotal, maxSplits }).filter(([, value]) => value !== null);
  return digest([clientId, quantities, payment, ...given]);
}
