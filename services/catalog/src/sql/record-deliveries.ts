import type { Queryable } from "@teranga/kit/postgres/database.ts";

/** What became of it: the key stood for another number; or there is no such supplier. */
export type Recorded = "DONE" | "OTHER" | "GONE";

/** Counts deliveries of a supplier, once a key. */
export async function recordDeliveries(
  sql: Queryable,
  supplierId: string,
  count: number,
  key: string | null,
): Promise<Recorded> {
  const [row] = await sql<{ recorded: Recorded }[]>`
    select record_deliveries(${supplierId}, ${count}, ${key}) as recorded`;
  return row!.recorded;
}
