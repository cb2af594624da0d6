/**
 * The form that messages of the commit protocol must have. What does not have it must not reach the database, where a value that
 * cannot be stored would fail the whole batch.
 *
 * Which cities there are is no part of it. A message may name a city that this one has not heard of yet, or has forgotten: its sender goes
 * by another topology, and what it has begun with that city must come to the same end in all.
 */
import { isStorable } from "@teranga/kit/input.ts";
import type { Decision } from "../city-messages.ts";
import type { City } from "../context.ts";
import type { ProductQuantity } from "../model.ts";
import type { CancellationRequest } from "../sql/commit-cancellations.ts";
import type { CommitRequest } from "../sql/commit-orders.ts";
import type { TransferRequest } from "../sql/commit-transfers.ts";
import type { PrepareRequest } from "../sql/prepare-transactions.ts";

const CITY_ID = /^[a-z][a-z0-9-]{0,62}$/;
const TRANSACTION_ID = /^[a-z][a-z0-9-]{0,62}:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TEXT_LENGTH_MAX = 200;

/** Of another city: this one takes part in it. */
export function isForeign(transactionId: string, city: City): boolean {
  return TRANSACTION_ID.test(transactionId) && homeOf(transactionId) !== city.id;
}

/** Of this city: it decides it. */
export function isOwn(transactionId: string, city: City): boolean {
  return TRANSACTION_ID.test(transactionId) && homeOf(transactionId) === city.id;
}

/** Whether a city may have this id; there need not be one. */
export function isCityId(id: string): boolean {
  return CITY_ID.test(id);
}

export function prepareIsSound({ transactionId, kind, lines }: PrepareRequest, city: City): boolean {
  return isForeign(transactionId, city) && kind !== "CANCELLATION" && linesAreSound(lines);
}

/** An ABORT may have no lines, and a cancellation is never aborted: nobody is told of one before its commit point. */
export function decisionIsSound({ transactionId, kind, decision, lines }: Decision, city: City): boolean {
  if (!isForeign(transactionId, city)) return false;
  if (decision === "COMMITTED") return linesAreSound(lines);
  return kind !== "CANCELLATION" && (lines.length === 0 || linesAreSound(lines));
}

/** Of an order of this city. */
export function cancellationIsSound(
  { transactionId, orderId, idempotencyKey, requestHash }: CancellationRequest,
  city: City,
): boolean {
  return (
    isOwn(transactionId, city) &&
    [orderId, idempotencyKey, requestHash].every(isText) &&
    homeOf(orderId) === city.id
  );
}

/** From another city to this one. */
export function transferIsSound(transfer: TransferRequest, city: City): boolean {
  const { transactionId, fromCityId, idempotencyKey, requestHash } = transfer;
  return (
    isOwn(transactionId, city) &&
    fromCityId !== city.id &&
    isCityId(fromCityId) &&
    [idempotencyKey, requestHash].every(isText) &&
    isPositive(transfer)
  );
}

/** Of this city's client, for an amount that can be stored, with allocations that add up to the lines. */
export function orderIsSound(order: CommitRequest, city: City): boolean {
  const { transactionId, clientId, idempotencyKey, requestHash, lines, allocations } = order;
  const total = lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0);
  return (
    isOwn(transactionId, city) &&
    [clientId, idempotencyKey, requestHash].every(isText) &&
    homeOf(clientId) === city.id &&
    linesAreSound(lines) &&
    lines.every(({ unitPrice }) => unitPrice >= 0) &&
    Number.isSafeInteger(total) &&
    allocations.every((allocation) => isCityId(allocation.cityId) && isPositive(allocation)) &&
    addUp(lines, allocations)
  );
}

/** One line or more, each of another product and of a positive quantity. */
export function linesAreSound(lines: readonly ProductQuantity[]): boolean {
  const products = new Set(lines.map(({ productId }) => productId));
  return lines.length > 0 && products.size === lines.length && lines.every(isPositive);
}

function homeOf(id: string): string {
  return id.slice(0, Math.max(0, id.indexOf(":")));
}

function isPositive({ productId, quantity }: ProductQuantity): boolean {
  return quantity > 0 && isText(productId) && productId.length <= 100;
}

function isText(text: string): boolean {
  return text.length > 0 && text.length <= TEXT_LENGTH_MAX && isStorable(text);
}

/** Each product's allocations, one a city, come to its line. */
function addUp(lines: CommitRequest["lines"], allocations: CommitRequest["allocations"]): boolean {
  const pairs = new Set(allocations.map(({ cityId, productId }) => `${cityId} ${productId}`));
  if (pairs.size !== allocations.length) return false;
  const open = new Map(lines.map(({ productId, quantity }) => [productId, quantity]));
  for (const { productId, quantity } of allocations) {
    open.set(productId, (open.get(productId) ?? 0) - quantity);
  }
  return [...open.values()].every((left) => left === 0);
}
