/** A product, as this service stores it and as the resolvers pass it on. */
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
  /** In the order of their bytes, each once. */
  tags: string[];
  /** A supplier that may be deleted since. */
  supplierId: string | null;
  createdAt: Date;
  updatedAt: Date;
}

/** One city's report of a product's stock. Null, or `available` null, if the city did not answer. */
export type ReportedLevel = { available?: number | null | undefined } | null;

/** A product in the graph. */
export interface ProductNode extends Product {
  /**
   * The cities' stock levels in the topology's order, which the gateway has gathered for `availability`.
   * Absent if the query does not need them.
   */
  reported?: readonly ReportedLevel[];
}

/** A page of products. */
export type ProductPage = Connection<ProductNode>;

const ID_LENGTH_MAX = 100;

/** Whether a product can have this id: the table holds no longer ones. */
export function isPossibleId(id: string): boolean {
  return id.length >= 1 && id.length <= ID_LENGTH_MAX && isStorable(id);
}

/** An id, cut for use in an answer: a client that sends a megabyte does not get it back. */
export function quoteId(id: string): string {
  return id.length > ID_LENGTH_MAX ? `${id.slice(0, ID_LENGTH_MAX)}…` : id;
}
