/** This city's verdict on a topology, given before any service goes by it. */
import { type PartitionClaims, ruleOf, sameRules } from "@teranga/kit/topology/topology-agreement.ts";
import type { City } from "./context.ts";
import { keepsRule } from "./database.ts";
import { fragmentRule } from "./fragment-rule.ts";
import { findStrangers } from "./sql/find-strangers.ts";

/** The most towns that a refusal names. */
const TOWNS_MAX = 5;

export async function topologyVerdict(
  partitions: readonly PartitionClaims[],
  { id, sql, placement }: Pick<City, "id" | "sql" | "placement">,
): Promise<{ keeps: boolean; follows: boolean; refusal: string | null }> {
  const rule = ruleOf(id, partitions);
  const follows = sameRules(partitions, placement.partitions);
  if (rule === undefined) return { keeps: false, follows, refusal: `it does not have ${id}` };
  if (rule === ruleOf(id, placement.partitions) && (await keepsRule(sql, id, { partitions })))
    return { keeps: true, follows, refusal: null };
  const strangers = await findStrangers(sql, fragmentRule(id, { partitions }));
  if (strangers.length === 0) return { keeps: false, follows, refusal: null };
  const count = strangers.reduce((sum, { clients }) => sum + clients, 0);
  const named = strangers.slice(0, TOWNS_MAX).map(({ town, clients }) => `${town} (${clients})`);
  const rest = strangers.length > TOWNS_MAX ? ` and ${strangers.length - TOWNS_MAX} more` : "";
  return {
    keeps: false,
    follows,
    refusal: `it has ${count} ${count === 1 ? "client" : "clients"} of towns that it would not serve: ${named.join(", ")}${rest}`,
  };
}
