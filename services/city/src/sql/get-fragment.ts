import type { Queryable } from "@teranga/kit/postgres/database.ts";

/** The city whose fragment the database is, and the towns of its rule; undefined if it has no rule yet. */
export async function getFragment(
  sql: Queryable,
): Promise<{ cityId: string; isDefault: boolean; towns: string[] } | undefined> {
  const [fragment] = await sql<{ cityId: string; isDefault: boolean; towns: string[] }[]>`
    select city_id as "cityId", is_default as "isDefault", towns from fragment`;
  return fragment;
}
