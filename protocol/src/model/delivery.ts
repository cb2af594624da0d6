/** Who acts on a message, which messages are repeated, and which can have no effect any more. */
import { commit, outcome } from "./home.ts";
import { decide, prepare } from "./participant.ts";
import type { State, Step } from "./state.ts";
import { authorise, beginPayment, recordAnswer, settle } from "./wallet.ts";
import { CITIES, type Message, participantsOf, type World } from "./world.ts";

export function deliver(world: World, state: State, message: Message): Step[] {
  switch (message.kind) {
    case "prepare":
      return prepare(world, state, message);
    case "decide":
      return decide(world, state, message);
    case "commit":
      return [...beginPayment(world, state, message), ...commit(world, state, message)];
    case "outcome":
      return outcome(world, state, message);
    case "authorise":
      return authorise(world, state, message);
    case "authorise answer":
      return recordAnswer(state, message);
    case "settle":
      return settle(world, state, message);
    case "vote":
    case "answer":
    case "outcome answer":
      // An orchestrator looks at what it has got by itself.
      return [];
    default:
      return message satisfies never;
  }
}

/**
 * What the cities send again and again, until nothing is left to do. A message that is never delivered is as
 * good as one that was never sent. So the model sends all of these at once, and has fewer states.
 */
export function repeated(world: World, state: State): Message[] {
  const { mistake, attempts } = world;
  return attempts.flatMap((_, tx): Message[] => {
    const decision = state.decisions[tx]!;
    const isIn = (...states: string[]) => states.includes(state.payments[tx]!);
    const messages: Message[] = [];
    for (const city of CITIES) {
      // A participant in doubt asks the home. Its deadline says only when: here, at any time.
      if (state.cities[city].participations[tx] === "PREPARED" && mistake !== "participant never asks")
        messages.push({ kind: "outcome", tx, asker: city });
    }
    if (decision.state === "COMMITTED" && mistake !== "home never tells") {
      // The home tells each participant until it has acknowledged.
      for (const city of participantsOf(world, attempts[decision.attempt]!))
        messages.push({ kind: "decide", tx, city, decision: "COMMITTED" });
    }
    const mayVoid = decision.state === "ABORTED" || mistake === "hold released without a fence";
    if (isIn("VOIDING") || (isIn("AUTHORISING", "AUTHORISED") && mayVoid))
      messages.push({ kind: "settle", tx, end: "VOIDED" });
    if (isIn("AUTHORISED") && decision.state === "COMMITTED")
      messages.push({ kind: "settle", tx, end: "CAPTURED" });
    if (isIn("REFUNDING")) messages.push({ kind: "settle", tx, end: "REFUNDED" });
    return messages;
  });
}

/**
 * Whether a message can have no effect any more, because its receiver has recorded something final. The model
 * forgets such a message, so that states that differ in nothing else are one.
 */
export function isSpent({ mistake }: World, state: State, message: Message): boolean {
  const { tx } = message;
  const orchestrator = (attempt: number) => state.orchestrators[attempt]?.state;
  const isDecided = state.decisions[tx]!.state !== "NONE";
  switch (message.kind) {
    case "prepare":
      return state.cities[message.city].participations[tx] !== "NONE" && mistake !== "pruned taken for new";
    case "vote":
      return orchestrator(tx) !== "preparing";
    case "commit":
      return isDecided && orchestrator(message.attempt) !== "committing";
    case "answer":
      return orchestrator(message.attempt) !== "committing";
    case "outcome": {
      const { asker } = message;
      const isAnswered =
        asker === "orchestrator"
          ? orchestrator(tx) !== "asking"
          : state.cities[asker].participations[tx] !== "PREPARED";
      return isDecided && isAnswered;
    }
    case "outcome answer":
      return orchestrator(tx) !== "asking";
    case "decide":
      return (
        state.cities[message.city].participations[tx] === message.decision && mistake !== "given back twice"
      );
    case "authorise":
      return state.holds[tx] !== "NONE";
    case "authorise answer":
      return state.payments[tx] !== "AUTHORISING";
    case "settle":
      return state.holds[tx] === message.end;
    default:
      return message satisfies never;
  }
}
