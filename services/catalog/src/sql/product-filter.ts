import type { Queryable } from "@teranga/kit/postgres/database.ts";
import { containing } from "@teranga/kit/postgres/search.ts";
import { normalise } from "@teranga/kit/topology/partition.ts";
import type { ProductFilter } from "../input.ts";

/** The condition of a filter, for a `where`. */
export function productCondition(
  sql: Queryable,
  { search, priceMin, priceMax, discontinued }: ProductFilter,
) {
  const words = normalise(search ?? "")
    .split("-")
    .filter(Boolean);
  const conditions = [
    sql`true`,
    ...words.map((word) => sql`search_key like ${`%${containing(word)}%`}`),
    ...(priceMin == null ? [] : [sql`price >= ${priceMin}`]),
    ...(priceMax == null ? [] : [sql`price <= ${priceMax}`]),
    // Written out, not bound: the partial index of products that are off sale serves
    // only a statement that names them.
    ...(discontinued == null ? [] : [discontinued ? sql`discontinued` : sql`not discontinued`]),
  ];
  return conditions.reduce((all, condition) => sql`${all} and ${condition}`);
}
