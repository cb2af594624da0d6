/** What the resolvers of one request share. */
import type { Sql } from "@teranga/kit/postgres/database.ts";
import type { Replication } from "@teranga/kit/reads/replication.ts";
import DataLoader from "dataloader";
import { isPossibleId, type Product } from "./product.ts";
import { findProducts } from "./sql/find-products.ts";

export interface CatalogContext {
  sql: Sql;
  /** The ids of all cities, in the topology's order. */
  cities: readonly string[];
  /** The replicas of the database, and who answers this request. */
  replication: () => Replication;
  /** Products by id; null where there is none. All loads of one tick are one statement. */
  products: DataLoader<string, Product | null>;
  /** What the answer shows, by the tags of changes: caches forget it with these (docs/reads.md). */
  cacheTags: Set<string>;
}

/** Ids of one statement. A page has 100; only a request made by hand has more. */
const BATCH_SIZE_MAX = 1_000;

export function createContext(
  sql: Sql,
  cities: readonly string[],
  replication: () => Replication,
): CatalogContext {
  const products = new DataLoader<string, Product | null>((ids) => loadProducts(sql, ids), {
    maxBatchSize: BATCH_SIZE_MAX,
  });
  return { sql, cities, products, replication, cacheTags: new Set() };
}

async function loadProducts(sql: Sql, ids: readonly string[]): Promise<(Product | null)[]> {
  const possible = ids.filter(isPossibleId);
  const found = possible.length === 0 ? [] : await findProducts(sql, possible);
  const byId = new Map(found.map((product) => [product.id, product]));
  return ids.map((id) => byId.get(id) ?? null);
}
