/** What the resolvers of one request share. */
import { groupedBy, keyedBy } from "@teranga/kit/graphql/loading.ts";
import type { Sql } from "@teranga/kit/postgres/database.ts";
import type { Replication } from "@teranga/kit/reads/replication.ts";
import type DataLoader from "dataloader";
import type { ConflictRow, Entity, Operation } from "./merge/conflict.ts";
import type { NodeManager } from "./nodes/node-manager.ts";
import { isPossibleId, type Product } from "./product.ts";
import { findCompacted } from "./sql/find-compacted.ts";
import { findConflictsOf } from "./sql/find-conflicts-of.ts";
import { findHistory } from "./sql/find-history.ts";
import { findProducts } from "./sql/find-products.ts";
import { findSuppliers } from "./sql/find-suppliers.ts";
import type { SupplierRow } from "./supplier.ts";

export interface CatalogContext {
  sql: Sql;
  /** The ids of all cities, in the topology's order. */
  cities: readonly string[];
  /** The replicas of the database, and who answers this request. */
  replication: () => Replication;
  /** Undefined if the catalog has one database. */
  nodes: NodeManager | undefined;
  /** Products by id; null where there is none. All loads of one tick are one statement. */
  products: DataLoader<string, Product | null>;
  suppliers: DataLoader<string, SupplierRow | null>;
  /** The newest changes of rows, so many of each. Those of one tick are one statement. */
  history: (entity: Entity, first: number) => DataLoader<string, Operation[]>;
  /** A row of this kind whose oldest changes have left the log, or null. */
  compacted: (entity: Entity) => DataLoader<string, { id: string } | null>;
  /** The newest conflicts of rows. */
  conflicts: (entity: Entity) => DataLoader<string, ConflictRow[]>;
  /** What the answer shows, by the tags of changes: caches forget it with these (docs/reads.md). */
  cacheTags: Set<string>;
}

export function createContext(
  sql: Sql,
  cities: readonly string[],
  replication: () => Replication,
  nodes: NodeManager | undefined,
): CatalogContext {
  return {
    sql,
    cities,
    nodes,
    products: keyedBy<Product, null>((ids) => ofPossible(ids, (ids) => findProducts(sql, ids)), idOf, null),
    suppliers: keyedBy<SupplierRow, null>(
      (ids) => ofPossible(ids, (ids) => findSuppliers(sql, ids)),
      idOf,
      null,
    ),
    history: oncePer((entity, first) => groupedBy((ids) => findHistory(sql, entity, ids, first), idOf)),
    compacted: oncePer((entity) =>
      keyedBy<{ id: string }, null>((ids) => findCompacted(sql, entity, ids), idOf, null),
    ),
    conflicts: oncePer((entity) => groupedBy((ids) => findConflictsOf(sql, entity, ids), idOf)),
    replication,
    cacheTags: new Set(),
  };
}

const idOf = ({ id }: { id: string }) => id;

async function ofPossible<Row>(
  ids: readonly string[],
  find: (ids: readonly string[]) => Promise<Row[]>,
): Promise<Row[]> {
  const possible = ids.filter(isPossibleId);
  return possible.length === 0 ? [] : find(possible);
}

/** One loader for each list of arguments, so that all rows that ask alike are one statement. */
function oncePer<Args extends unknown[], Loader>(make: (...args: Args) => Loader): (...args: Args) => Loader {
  const made = new Map<string, Loader>();
  return (...args) => {
    const key = JSON.stringify(args);
    if (!made.has(key)) made.set(key, make(...args));
    return made.get(key)!;
  };
}
