/** Explores all states that a world can reach. Breadth first, so the first violation has a shortest trace. */
import { deliver, isSpent, repeated } from "./delivery.ts";
import { AT_REST, brokenInvariant, isAtRest } from "./invariants.ts";
import { orchestratorSteps } from "./orchestrator.ts";
import { guess } from "./participant.ts";
import { pruningSteps } from "./pruning.ts";
import { initialState, keyOf, type State, type Step, send } from "./state.ts";
import { settlePayment } from "./wallet.ts";
import type { World } from "./world.ts";

export interface Exploration {
  states: number;
  /** The first broken invariant with the steps that lead there; null if all hold everywhere. */
  broken: { invariant: string; trace: string[] } | null;
}

/** A state with the step that led to it first. */
interface Reached {
  state: State;
  label: string;
  from: Reached | null;
}

/** More than any world has. A mistake in the model itself must not fill the memory. */
const STATES_MAX = 500_000;

export function explore(world: World): Exploration {
  const start: Reached = { state: initialState(world), label: "", from: null };
  const reached = [start];
  const seen = new Set([keyOf(start.state)]);
  const broken = (invariant: string, at: Reached): Exploration => ({
    states: reached.length,
    broken: { invariant, trace: traceTo(at) },
  });
  // The list grows while it is walked, which makes the walk breadth first.
  for (const from of reached) {
    for (const { label, next } of [
      ...orchestratorSteps(world, from.state),
      ...citySteps(world, from.state),
    ]) {
      tidy(world, next);
      const key = keyOf(next);
      if (seen.has(key)) continue;
      seen.add(key);
      const at = { state: next, label, from };
      reached.push(at);
      const invariant = brokenInvariant(world, next);
      if (invariant) return broken(invariant, at);
    }
    if (reached.length > STATES_MAX) throw new Error(`${world.name} has more than ${STATES_MAX} states`);
  }
  const finished = new Map<string, boolean>();
  const stuck = reached.find(({ state }) => !comesToRest(world, state, finished));
  return stuck ? broken(AT_REST, stuck) : { states: reached.length, broken: null };
}

function citySteps(world: World, state: State): Step[] {
  return [
    ...state.sent.flatMap((message) => deliver(world, state, message)),
    ...pruningSteps(world, state),
    ...world.attempts.flatMap((_, tx) => [...settlePayment(world, state, tx), ...guess(world, state, tx)]),
  ];
}

/** Adds what the cities repeat, and forgets what can have no effect. */
function tidy(world: World, state: State): void {
  for (const message of repeated(world, state)) send(state, message);
  state.sent = state.sent.filter((message) => !isSpent(world, state, message));
}

/** Whether the cities can finish alone: every message under way is lost, and every orchestrator has died. */
function comesToRest(world: World, state: State, finished: Map<string, boolean>): boolean {
  const abandoned = { ...state, sent: [], orchestrators: [] };
  const key = keyOf(abandoned);
  const known = finished.get(key);
  if (known !== undefined) return known;
  tidy(world, abandoned);
  const reached: State[] = [abandoned];
  const seen = new Set([keyOf(abandoned)]);
  for (const from of reached) {
    if (isAtRest(world, from)) break;
    for (const { next } of citySteps(world, from)) {
      tidy(world, next);
      if (!seen.has(keyOf(next))) reached.push(next);
      seen.add(keyOf(next));
    }
  }
  const isFinished = reached.some((one) => isAtRest(world, one));
  finished.set(key, isFinished);
  return isFinished;
}

function traceTo(at: Reached): string[] {
  return at.from ? [...traceTo(at.from), at.label] : [];
}
