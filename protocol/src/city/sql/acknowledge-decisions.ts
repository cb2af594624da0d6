import type { Sql } from "@teranga/kit/postgres/database.ts";
import type { CityClock } from "../city-clock.ts";

/** Records that a participant has applied decisions. A second call keeps the time of the first. */
export async function acknowledgeDecisions(
  sql: Sql,
  cityId: string,
  transactionIds: string[],
  clock: CityClock,
): Promise<void> {
  if (transactionIds.length === 0) return;
  await sql`
    update decision_participant set acknowledged_at = ${clock.now(sql)}
    where city_id = ${cityId} and transaction_id = any (${transactionIds}::text[]) and acknowledged_at is null`;
}
