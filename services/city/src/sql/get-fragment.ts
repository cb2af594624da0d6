import type { Queryable } from "@teranga/kit/postgres/database.ts";

/** Which city the database is the fragment of, and the towns of its rule; undefined if it has none yet. */
export async function getFragment(
  sql: Queryable,
): Promise<{ cityId: string; isDefault: boolean; towns: string[] } | undefined> {
  const [fragment] = await sql<{ cityId: string; isDefault: boolean; towns: string[] }[]>`
    select city_id as "cityId", is_default as "isDefault", towns from fragment`;
  return fragment;
}
