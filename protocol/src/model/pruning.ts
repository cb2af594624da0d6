/**
 * The horizon (../../functions/8-rules.sql, ../city/pruning.ts): behind it, no row means ABORTED. Each city
 * has its own, which passes the ids of a world at any time.
 */
import { type State, type Step, step } from "./state.ts";
import { CITIES, type City, type World } from "./world.ts";

export function pruningSteps(world: World, state: State): Step[] {
  if (!world.prunes) return [];
  return CITIES.flatMap((city) => {
    if (state.cities[city].isBehindHorizon)
      return world.attempts.flatMap((_, tx) => prune(world, state, city, tx));
    return [step(state, `${city} moves its horizon`, ({ cities }) => (cities[city].isBehindHorizon = true))];
  });
}

/** Whether a transaction without a row counts as ABORTED there. */
export function isTooOld({ mistake }: World, { cities }: State, city: City): boolean {
  return cities[city].isBehindHorizon && mistake !== "pruned taken for new";
}

function prune({ attempts, mistake }: World, state: State, city: City, tx: number): Step[] {
  const participation = state.cities[city].participations[tx];
  const isInDoubt = participation === "PREPARED" && mistake === "doubt pruned";
  const steps: Step[] = [];
  if (participation === "ABORTED" || isInDoubt) {
    steps.push(
      step(state, `${city} prunes its part in ${tx}`, ({ cities }) => {
        if (isInDoubt) cities[city].reserved -= 1;
        cities[city].participations[tx] = "NONE";
      }),
    );
  }
  if (attempts[tx]!.home === city && state.decisions[tx]!.state === "ABORTED") {
    const forget = (next: State) => (next.decisions[tx] = { state: "NONE" });
    steps.push(step(state, `${city} prunes its decision on ${tx}`, forget));
  }
  return steps;
}
