/** A participant's steps (../../functions/2-participant.sql). It asks the home in delivery.ts. */
import { isTooOld } from "./pruning.ts";
import { type State, type Step, send, step } from "./state.ts";
import { CITIES, type City, type Message, type World } from "./world.ts";

export function prepare(
  world: World,
  state: State,
  { tx, city }: Extract<Message, { kind: "prepare" }>,
): Step[] {
  const { onHand, reserved, participations } = state.cities[city];
  if (participations[tx] !== "NONE" || isTooOld(world, state, city)) return [];
  const available = world.mistake === "pieces set aside twice" ? onHand : onHand - reserved;
  if (available < 1) {
    // The refusal is recorded: a later copy of the message must not prepare what was given up.
    return [
      step(state, `${city} refuses ${tx}`, ({ cities }) => (cities[city].participations[tx] = "ABORTED")),
    ];
  }
  return [
    step(state, `${city} prepares ${tx}`, (next) => {
      next.cities[city].reserved += 1;
      next.cities[city].participations[tx] = "PREPARED";
      send(next, { kind: "vote", tx, city });
    }),
  ];
}

export function decide(
  world: World,
  state: State,
  { tx, city, decision }: Extract<Message, { kind: "decide" }>,
): Step[] {
  const known = state.cities[city].participations[tx]!;
  if (world.attempts[tx]!.kind === "CANCELLATION") return giveBack(world, state, tx, city);
  const applies = (label: string, change: (next: State) => void) => [
    step(state, `${city} ${label} ${tx}`, (next) => {
      change(next);
      next.cities[city].participations[tx] = decision;
    }),
  ];
  switch (known) {
    case "PREPARED":
      return decision === "COMMITTED"
        ? applies("confirms", ({ cities }) => {
            cities[city].onHand -= 1;
            cities[city].reserved -= 1;
          })
        : applies("releases", ({ cities }) => {
            if (world.mistake !== "release keeps the pieces") cities[city].reserved -= 1;
          });
    case "NONE":
      if (decision === "COMMITTED")
        return violates(state, `${city} is told to give ${tx}, which it never prepared`);
      // The abort is recorded: its prepare may come later.
      return applies("notes the abort of", () => undefined);
    case "COMMITTED":
    case "ABORTED":
      return known === decision ? [] : violates(state, `${city} has ${tx} ${known} and is told ${decision}`);
    default:
      return known satisfies never;
  }
}

/** It needs no prepare, and may come before the confirmation of the order that it cancels. */
function giveBack(world: World, state: State, tx: number, city: City): Step[] {
  const { participations } = state.cities[city];
  if (participations[tx] === "COMMITTED" && world.mistake !== "given back twice") return [];
  const { order } = world.attempts[tx] as { order: number };
  const isIgnored =
    world.mistake === "return ignored before its order" && participations[order] === "PREPARED";
  return [
    step(state, `${city} gets back ${tx}`, ({ cities }) => {
      if (!isIgnored) cities[city].onHand += 1;
      cities[city].participations[tx] = "COMMITTED";
    }),
  ];
}

/** The message changes nothing, and an alarm is raised. */
export function violates(state: State, violation: string): Step[] {
  return [step(state, violation, (next) => (next.violation = violation))];
}

/** Only if the mistake is planted: a participant never decides by itself. */
export function guess({ mistake }: World, state: State, tx: number): Step[] {
  if (mistake !== "participant guesses") return [];
  return CITIES.filter((city) => state.cities[city].participations[tx] === "PREPARED").map((city) =>
    step(state, `${city} guesses ABORTED for ${tx}`, ({ cities }) => {
      cities[city].reserved -= 1;
      cities[city].participations[tx] = "ABORTED";
    }),
  );
}
