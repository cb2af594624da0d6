/** The cluster's steps for each buyer, read from the orchestrator's log and the cities' databases. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TemporaryCluster } from "../harness/temporary-cluster.ts";

/** One step of a buyer's order; times are milliseconds since 1970. */
export interface Step {
  /** The buyer's name. */
  buyer: string;
  atMs: number;
  /**
   * prepared: another city has set pieces aside. committed: the commit point. refused: a transaction was
   * aborted, because another buyer was faster. confirmed: the other city has handed its pieces over.
   * released: it has released the pieces.
   */
  kind: "prepared" | "committed" | "refused" | "confirmed" | "released";
}

interface Ended {
  requestId: string;
  transactionId: string;
  result: string;
  time: string;
}

export async function readSteps({ logs, databases }: TemporaryCluster): Promise<Step[]> {
  const ended = await readEnded(join(logs, "orders.log"));
  const buyerOf = new Map(ended.map(({ transactionId, requestId }) => [transactionId, requestId]));
  const steps: Step[] = [];
  const add = (transactionId: string, kind: Step["kind"], at: Date | null) => {
    const buyer = buyerOf.get(transactionId);
    if (buyer !== undefined && at !== null) steps.push({ buyer, atMs: at.getTime(), kind });
  };
  for (const { transactionId, result, time } of ended)
    if (result === "refused" || result === "fenced") add(transactionId, "refused", new Date(time));
  for (const sql of databases.values()) {
    const parts = await sql<{ id: string; state: string; createdAt: Date; decidedAt: Date | null }[]>`
      select transaction_id as id, state, created_at as "createdAt", decided_at as "decidedAt" from participation p
      where exists (select from reservation r where r.transaction_id = p.transaction_id)`;
    for (const { id, state, createdAt, decidedAt } of parts) {
      add(id, "prepared", createdAt);
      add(id, state === "COMMITTED" ? "confirmed" : "released", decidedAt);
    }
    const decisions = await sql<{ id: string; decidedAt: Date }[]>`
      select transaction_id as id, decided_at as "decidedAt" from transaction_decision where state = 'COMMITTED'`;
    for (const { id, decidedAt } of decisions) add(id, "committed", decidedAt);
  }
  return steps;
}

/** Reads the orchestrator's log, which has a line for each transaction with the id of its request. */
async function readEnded(file: string): Promise<Ended[]> {
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line.includes('"transactionId"'));
  return lines
    .map((line) => JSON.parse(line) as Ended & { msg: string })
    .filter(({ msg }) => msg === "transaction ended");
}
