/**
 * The program of the side thread (side-thread.ts): carries out the orders that it receives, one after the
 * other.
 */
import { parentPort, workerData } from "node:worker_threads";
import { type DocumentNode, GraphQLError, parse } from "graphql";
import { readSupergraph } from "../ground/supergraph.ts";
import { type ClientTerms, clientTerms, problemsOf } from "../validation/validation.ts";
import { Planner } from "./planner.ts";
import { type Answer, BEGUN, type Order, type ToldError } from "./side-thread.ts";

const planner = new Planner(readSupergraph(workerData as string));

parentPort!.on("message", (order: Order) => {
  parentPort!.postMessage(BEGUN);
  parentPort!.postMessage(answerTo(order));
});

function answerTo(order: Order): Answer {
  try {
    const document = parse(order.text);
    switch (order.kind) {
      case "validate":
        return { kind: "validated", errors: validated(document, order.terms).map(told) };
      case "plan":
        return { kind: "planned", plan: planner.plan(document) };
      default:
        return order satisfies never;
    }
  } catch (error) {
    return error instanceof GraphQLError
      ? { kind: "refused", error: told(error) }
      : { kind: "failed", error };
  }
}

function validated(document: DocumentNode, terms: ClientTerms): readonly GraphQLError[] {
  return problemsOf(planner.apiSchema, document, clientTerms(terms));
}

/** Only plain values can go to another thread. */
function told({ message, locations, extensions }: GraphQLError): ToldError {
  return { message, locations, extensions: JSON.parse(JSON.stringify(extensions)) };
}
