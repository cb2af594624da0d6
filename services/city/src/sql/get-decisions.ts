import type { Queryable } from "@teranga/kit/database.ts";
import type { DecisionRow, ParticipantRow } from "../model.ts";

/** The columns of a DecisionRow. */
export function decisionColumns(sql: Queryable) {
  return sql`transaction_id as id, kind, state, decided_at as "decidedAt"`;
}

/** The decisions on these transactions that were made, in no order. */
export function getDecisions(sql: Queryable, ids: readonly string[]): Promise<DecisionRow[]> {
  return sql<DecisionRow[]>`
    select ${decisionColumns(sql)} from transaction_decision where transaction_id = any (${ids as string[]}::text[])`;
}

/** The participants of these transactions, by city. */
export function getParticipants(sql: Queryable, ids: readonly string[]): Promise<ParticipantRow[]> {
  return sql<ParticipantRow[]>`
    select transaction_id as "transactionId", city_id as "cityId", acknowledged_at as "acknowledgedAt"
    from decision_participant where transaction_id = any (${ids as string[]}::text[]) order by transaction_id, city_id`;
}
