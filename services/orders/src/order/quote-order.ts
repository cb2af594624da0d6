/** Quotes an order: reads and allocates like placeOrder, and changes nothing. */

import type { Allocation, PricedLine } from "@teranga/protocol/messages.ts";
import type { QuoteOrderResult } from "@teranga/schema/generated/orders.ts";
import type { Named } from "../answers.ts";
import type { OrdersContext } from "../context.ts";
import { allocate } from "./allocation.ts";
import { nearestFirst } from "./distance.ts";
import { readFacts } from "./order-facts.ts";
import type { OrderRequest } from "./order-request.ts";
import { outOfStock } from "./out-of-stock.ts";

/** @throws GraphQLError as readFacts does */
export async function quoteOrder(
  request: OrderRequest,
  context: OrdersContext,
): Promise<Named<QuoteOrderResult>> {
  const facts = await readFacts(request, null, context);
  switch (facts.kind) {
    case "rejected":
      return facts.result;
    case "keyed":
      throw new Error("a quote has no idempotency key, so none can have been used");
    case "ready": {
      const cityIds = nearestFirst(context.cities.partitions, request.homeId);
      const allocation = allocate(facts.lines, cityIds, facts.stock);
      if (allocation.kind === "short") return outOfStock(allocation.shortages, facts.stock.missingCities);
      return quote(facts.lines, allocation.allocations);
    }
    default:
      return facts satisfies never;
  }
}

function quote(lines: readonly PricedLine[], allocations: readonly Allocation[]): Named<QuoteOrderResult> {
  const quoted = lines.map(({ productId, quantity, unitPrice }) => ({
    product: { id: productId },
    quantity,
    unitPrice,
    total: quantity * unitPrice,
  }));
  return {
    __typename: "OrderQuote",
    lines: quoted,
    allocations: allocations.map(({ cityId, productId, quantity }) => ({
      city: { id: cityId },
      product: { id: productId },
      quantity,
    })),
    total: quoted.reduce((sum, { total }) => sum + total, 0),
    currency: "XOF",
  };
}
