/**
 * What must hold in every state. The names are those of ../../functions/9-invariants.sql and of
 * infra/src/broken-invariants.ts, or those of docs/commit-protocol.md for what no database can see.
 */
import { isCancelled } from "./home.ts";
import { isCommitted, type State } from "./state.ts";
import { CITIES, type City, homeGives, participantsOf, type World } from "./world.ts";

type Rule = (world: World, state: State) => boolean;

export const INVARIANTS = {
  "what is reserved is on hand": (_, { cities }) =>
    CITIES.every((city) => 0 <= cities[city].reserved && cities[city].reserved <= cities[city].onHand),

  "what is reserved is what PREPARED transactions hold": (_, { cities }) =>
    CITIES.every((city) => {
      const held = cities[city].participations.filter((participation) => participation === "PREPARED");
      return cities[city].reserved === held.length;
    }),

  "a level is the sum of its movements": (world, state) =>
    CITIES.every((city) => state.cities[city].onHand === world.stock[city] + movements(world, state, city)),

  "a participant goes by its home's decision": (world, state) =>
    everyParticipation(world, state, (participation, tx) => {
      if (participation === "COMMITTED") return isCommitted(state, tx);
      return participation !== "ABORTED" || !isCommitted(state, tx);
    }),

  "a COMMITTED transaction has happened": (world, state) =>
    world.attempts.every(
      (attempt, tx) =>
        attempt.kind !== "CANCELLATION" ||
        !isCommitted(state, tx) ||
        (isCommitted(state, attempt.order) && cancellationsOf(world, state, attempt.order) === 1),
    ),

  "a key stands for one transaction of its kind": ({ attempts }, state) => {
    const keys = attempts.flatMap(({ kind, key }, tx) => (isCommitted(state, tx) ? [`${kind} ${key}`] : []));
    return new Set(keys).size === keys.length;
  },

  "a wallet is the sum of its entries, and never below zero": (world, { holds, balance }) => {
    const taken = holds.filter((hold) => hold === "AUTHORISED" || hold === "CAPTURED").length;
    return balance >= 0 && balance + taken === world.balance;
  },

  "an order has one payment, which stands as the order does": (world, state) =>
    world.attempts.every((attempt, tx) => {
      if (attempt.kind !== "ORDER" || attempt.paidBy !== "HOLD" || !isCommitted(state, tx)) return true;
      const fitting = isCancelled(world, state, tx) ? ["REFUNDING", "REFUNDED"] : ["AUTHORISED", "CAPTURED"];
      return fitting.includes(state.payments[tx]!);
    }),

  "wallets are charged what their orders cost, and refunded what is cancelled": (_, { payments, holds }) =>
    payments.every((payment, tx) => {
      const isHeld = holds[tx] === "AUTHORISED" || holds[tx] === "CAPTURED";
      return payment === "VOIDED" || payment === "REFUNDED"
        ? !isHeld
        : payment !== "CAPTURED" || holds[tx] !== "VOIDED";
    }),

  "no message contradicts what is recorded": (_, { violation }) => violation === null,

  "what a client was told is never taken back": ({ attempts }, state) =>
    state.orchestrators.every((orchestrator, index) => {
      if (orchestrator.state !== "ended" || orchestrator.told === "unknown") return true;
      const { kind, key } = attempts[index]!;
      if (orchestrator.told === "not happened") return !isCommitted(state, index);
      return attempts.some((other, tx) => other.kind === kind && other.key === key && isCommitted(state, tx));
    }),
} satisfies Record<string, Rule>;

/** Nor is a participant of a commit untold, or a payment unsettled. */
export const AT_REST = "in the end nothing stays PREPARED";

/** The name of the first broken invariant; null if all hold. */
export function brokenInvariant(world: World, state: State): string | null {
  for (const [name, holds] of Object.entries<Rule>(INVARIANTS)) if (!holds(world, state)) return name;
  return null;
}

export function isAtRest(world: World, { cities, decisions, payments, holds }: State): boolean {
  const isTold = decisions.every((decision, tx) => {
    if (decision.state !== "COMMITTED") return true;
    const participants = participantsOf(world, world.attempts[decision.attempt]!);
    return participants.every((city) => cities[city].participations[tx] === "COMMITTED");
  });
  const isOpen = payments.some((payment) =>
    ["AUTHORISING", "AUTHORISED", "VOIDING", "REFUNDING"].includes(payment),
  );
  const isInDoubt = CITIES.some((city) => cities[city].participations.includes("PREPARED"));
  return isTold && !isOpen && !isInDoubt && !holds.includes("AUTHORISED");
}

/** What the recorded transactions have changed of a city's pieces on hand. */
function movements(world: World, state: State, city: City): number {
  return world.attempts.reduce((sum, attempt, tx) => {
    const isTaken = attempt.kind !== "CANCELLATION";
    if (state.cities[city].participations[tx] === "COMMITTED") return sum + (isTaken ? -1 : 1);
    const isHere = attempt.home === city && isCommitted(state, tx);
    if (!isHere) return sum;
    if (attempt.kind === "TRANSFER") return sum + 1;
    return homeGives(world, attempt) ? sum + (isTaken ? -1 : 1) : sum;
  }, 0);
}

function cancellationsOf({ attempts }: World, state: State, order: number): number {
  return attempts.filter(
    (attempt, tx) => attempt.kind === "CANCELLATION" && attempt.order === order && isCommitted(state, tx),
  ).length;
}

function everyParticipation(
  { attempts }: World,
  { cities }: State,
  holds: (participation: string, tx: number, city: City) => boolean,
): boolean {
  return CITIES.every((city) => attempts.every((_, tx) => holds(cities[city].participations[tx]!, tx, city)));
}
