/** A product as this service knows it, and as the resolvers pass it on. */
import type { Connection } from "@teranga/kit/graphql/connection.ts";
import { isStorable } from "@teranga/kit/graphql/input.ts";

/** A row of the catalog. */
export interface Product {
  id: string;
  name: string;
  description: string;
  /** Whole francs (XOF). */
  price: number;
  discontinued: boolean;
  createdAt: Date;
  updatedAt: Date;
}

/** What one city reported of a product's stock; null, or `available` null, if it did not answer. */
export type ReportedLevel = { available?: number | null | undefined } | null;

/** A product in the graph. */
export interface ProductNode extends Product {
  /**
   * The cities' stock levels in the topology's order, as the gateway has gathered them for `availability`. Absent where
   * it did not need them.
   */
  reported?: readonly ReportedLevel[];
}

/** A page of products. */
export type ProductPage = Connection<ProductNode>;

const ID_LENGTH_MAX = 100;

/** Whether an id can be one of a product: the table has no longer ones. */
export function isPossibleId(id: string): boolean {
  return id.length >= 1 && id.length <= ID_LENGTH_MAX && isStorable(id);
}

/** An id as an answer repeats it: a client that sends a megabyte does not get it back. */
export function quoteId(id: string): string {
  return id.length > ID_LENGTH_MAX ? `${id.slice(0, ID_LENGTH_MAX)}…` : id;
}
