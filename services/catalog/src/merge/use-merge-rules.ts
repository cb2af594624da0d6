/** Makes merge rules those of a database: from now on its operations carry them. */

import type { Queryable, Sql } from "@teranga/kit/postgres/database.ts";
import { StartupError } from "@teranga/kit/process/config.ts";
import { digest } from "@teranga/kit/process/digest.ts";
import type { MergeRules } from "./merge-rules.ts";

/**
 * Instances that start together wait for one another. An older instance that starts again leaves the newer
 * rules as they are.
 * @throws StartupError if the version was in use with other rules, or a custom resolver does not exist
 */
export async function useMergeRules(sql: Sql, { version, ...rules }: MergeRules): Promise<void> {
  const units = Object.entries(rules).flatMap(([entity, strategies]) =>
    Object.entries(strategies).map(([unit, strategy]) => ({ entity, unit, strategy })),
  );
  const content = digest(units.map(({ entity, unit, strategy }) => `${entity}.${unit} ${strategy}`).sort());
  await sql.begin(async (sql) => {
    const [used] = await sql<{ rules: number; rulesDigest: string | null }[]>`
      select rules, rules_digest as "rulesDigest" from this_node for update`;
    if (used!.rulesDigest !== null && used!.rules > version) return;
    if (used!.rules === version && used!.rulesDigest === content) return;
    if (used!.rules === version && used!.rulesDigest !== null)
      throw new StartupError(
        `Merge rules: version ${version} was in use with other rules; give these a greater version`,
      );
    for (const { entity, unit, strategy } of units) {
      await refuseUnknownResolver(sql, `${entity}.${unit}`, strategy);
      await sql`update merge_unit set strategy = ${strategy} where entity = ${entity} and unit = ${unit}`;
    }
    await sql`update this_node set rules = ${version}, rules_digest = ${content}`;
  });
}

async function refuseUnknownResolver(sql: Queryable, place: string, strategy: string): Promise<void> {
  const resolver = /^custom:(.*)@(.*)$/.exec(strategy);
  if (!resolver) return;
  const name = `resolve_${resolver[1]}_v${resolver[2]}`;
  const found = await sql`select where to_regprocedure(${`${name}(jsonb,jsonb[])`}) is not null`;
  if (found.length === 0)
    throw new StartupError(`Merge rules: ${place}: there is no SQL function ${name}(jsonb, jsonb[])`);
}
