import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { DecisionRow, ParticipantRow } from "../model.ts";

/** The recorded decisions on these transactions, in no order. */
export function getDecisions(sql: Queryable, ids: readonly string[]): Promise<DecisionRow[]> {
  return sql<DecisionRow[]>`
    select transaction_id as id, kind, state, answer ->> 'state' as answer, decided_at as "decidedAt"
    from transaction_decision where transaction_id = any (${ids as string[]}::text[])`;
}

/** The participants of these transactions, by city. */
export function getParticipants(sql: Queryable, ids: readonly string[]): Promise<ParticipantRow[]> {
  return sql<ParticipantRow[]>`
    select transaction_id as "transactionId", city_id as "cityId", lines, attempts, acknowledged_at as "acknowledgedAt"
    from decision_participant where transaction_id = any (${ids as string[]}::text[]) order by transaction_id, city_id`;
}
