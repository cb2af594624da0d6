/** The checked input of transferStock. */

import { badInput, codedError } from "@teranga/kit/graphql/errors.ts";
import { idempotencyKey, parseInput } from "@teranga/kit/graphql/input.ts";
import { digest } from "@teranga/kit/process/digest.ts";
import type { PartitionPlacement } from "@teranga/kit/topology/topology.ts";
import type { TransferStockInput } from "@teranga/schema/generated/orders.ts";
import { z } from "zod";
import { id, quantity } from "../request-rules.ts";

export interface TransferStockRequest {
  productId: string;
  /** The city that gives. */
  fromCityId: string;
  /** The city that receives: the home of the transaction. */
  toCityId: string;
  quantity: number;
  /** The client's own key; null if it gave none. */
  idempotencyKey: string | null;
}

/** As much as one restock may bring. */
const QUANTITY_MAX = 1_000_000;

const transferInput = z.object({
  productId: id,
  fromCityId: id,
  toCityId: id,
  quantity: quantity(QUANTITY_MAX),
  idempotencyKey,
});

/** @throws GraphQLError BAD_USER_INPUT naming the field, or UNKNOWN_CITY */
export function parseTransferInput(
  input: TransferStockInput,
  { partitions }: PartitionPlacement,
): TransferStockRequest {
  const request = parseInput(transferInput, input, "input");
  // Only the exact id is accepted. A name or a town may find a client's city, but stock must not move because
  // a name is similar.
  for (const cityId of [request.fromCityId, request.toCityId]) {
    if (partitions.some((partition) => partition.id === cityId)) continue;
    throw codedError("UNKNOWN_CITY", `There is no city "${cityId}".`, { city: cityId });
  }
  if (request.fromCityId === request.toCityId) throw badInput("input.toCityId", "is the city that gives");
  return request;
}

export function transferHash({ productId, fromCityId, toCityId, quantity }: TransferStockRequest): string {
  return digest([productId, fromCityId, toCityId, quantity]);
}
