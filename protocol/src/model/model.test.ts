/**
 * Goal: the protocol keeps its invariants, whatever is lost, late, doubled, overtaken or killed, and needs
 * each of its rules. Method: all states of small worlds are explored, without a mistake and with each
 * planted one.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { explore } from "./explore.ts";
import { AT_REST, INVARIANTS } from "./invariants.ts";
import { MISTAKES, type Mistake } from "./mistakes.ts";
import { WORLDS } from "./worlds.ts";

/** Another number means that a change of the model has opened or closed a way. */
const STATES = [4376, 2475, 714, 642, 8584, 14304, 9569, 3732];

test.each(WORLDS.map((world, index) => ({ ...world, states: STATES[index] })))(
  "$name: every invariant holds in all $states states",
  (world) => {
    expect(explore(world)).toEqual({ states: world.states, broken: null });
  },
);

test.each(Object.entries(MISTAKES))("the mistake '%s' is found", (name, { invariant, steps, ...of }) => {
  const world = WORLDS.find(({ name }) => name === of.world)!;
  const { broken } = explore({ ...world, mistake: name as Mistake });
  expect({ invariant: broken?.invariant, steps: broken?.trace.length }).toEqual({ invariant, steps });
});

test("a trace says what happened, from the start to the broken invariant", () => {
  const { broken } = explore({ ...WORLDS[0]!, mistake: "no fence" });
  expect(broken?.trace).toEqual([
    "orchestrator 1 sends prepare",
    "thies prepares 1",
    "orchestrator 1 sends commit",
    "home answers thies, which asks about 1: NONE",
    "thies releases 1",
    "dakar commits 1",
  ]);
});

test("each invariant is broken by a mistake", () => {
  const broken = Object.values(MISTAKES).map(({ invariant }) => invariant);
  expect(new Set(broken)).toEqual(new Set([...Object.keys(INVARIANTS), AT_REST]));
});

test("the invariants have the names that they have in the databases and in the docs", () => {
  const files = [
    "protocol/functions/9-invariants.sql",
    "infra/src/broken-invariants.ts",
    "docs/commit-protocol.md",
  ];
  const texts = files.map((file) => readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8"));
  const said = texts.join("\n").toLowerCase().replaceAll("''", "'");
  const others = [...Object.keys(INVARIANTS), AT_REST].filter((name) => !said.includes(name.toLowerCase()));
  // The services raise the alarm PROTOCOL_VIOLATION for it.
  expect(others).toEqual(["no message contradicts what is recorded"]);
});
