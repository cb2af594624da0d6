/**
 * Sends messages of the commit protocol without the orchestrator, so that a test can leave a transaction
 * halfway.
 */
import { serviceHeaders } from "@teranga/kit/http/credential.ts";
import { expect } from "vitest";
import { ask, CREDENTIAL, type Graph } from "./graph.ts";

const MESSAGES = {
  prepare: "mutation ($of: [PrepareInput!]!) { answers: prepare(transactions: $of) { state } }",
  commitOrders: "mutation ($of: [CommitOrderInput!]!) { answers: commitOrders(orders: $of) { state } }",
  commitCancellations:
    "mutation ($of: [CommitCancellationInput!]!) { answers: commitCancellations(cancellations: $of) { state } }",
  commitTransfers:
    "mutation ($of: [CommitTransferInput!]!) { answers: commitTransfers(transfers: $of) { state } }",
  decide: "mutation ($of: [DecisionInput!]!) { answers: decide(decisions: $of) { state } }",
  outcome: "mutation ($of: [OutcomeInput!]!) { answers: outcome(transactions: $of) { state } }",
};

/** Sends a batch to a city as the orchestrator does, and returns the states of the answers. */
export async function sendMessage(
  graph: Graph,
  cityId: string,
  message: keyof typeof MESSAGES,
  entries: readonly object[],
): Promise<string[]> {
  const headers = serviceHeaders(CREDENTIAL);
  const { data, errors } = await ask(graph.serviceUrl(cityId), MESSAGES[message], { of: entries }, headers);
  expect(errors).toBeUndefined();
  return data.answers.map(({ state }: { state: string }) => state);
}

/** Makes new transaction ids, all with the same time in them. */
export function createTransactionIds(begunMs: number): (home: string) => string {
  const time = begunMs.toString(16).padStart(12, "0");
  let count = 0;
  return (home) =>
    `${home}:${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${String(count++).padStart(12, "0")}`;
}
