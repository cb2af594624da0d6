/**
 * Goal: two objects are sent as one entity if, and only if, their representations are equal. Method: random
 * objects, with values that are easily confused.
 */
import fc from "fast-check";
import { buildSchema, Kind } from "graphql";
import { expect, test } from "vitest";
import type { JsonObject } from "../ground/answer.ts";
import { EntityIndex, LACKING } from "./entity-index.ts";
import { compileRepresentation, flatMembers } from "./representations.ts";

const schema = buildSchema(`
  type Query { any: [Thing] }
  interface Thing { id: ID! }
  type Book implements Thing { id: ID! shelf: String }
  type Film implements Thing { id: ID! shelf: String }
  type Song { title: String }
`);
const field = (name: string) => ({ kind: Kind.FIELD, name }) as const;
const on = (typeCondition: string, ...names: string[]) =>
  ({ kind: Kind.INLINE_FRAGMENT, typeCondition, selections: ["__typename", ...names].map(field) }) as const;

const value = fc.constantFrom<unknown>(
  "1",
  1,
  "1:1",
  "",
  "11",
  null,
  true,
  "true",
  { a: 1 },
  [1],
  ["1"],
  undefined,
);
const source = fc
  .record({
    __typename: fc.constantFrom("Book", "Film", "Song", "Else"),
    id: value,
    shelf: value,
    title: value,
  })
  .map((object) => JSON.parse(JSON.stringify(object)) as JsonObject);

const REQUIRED = [
  [on("Book", "id"), on("Film", "id")],
  [on("Book", "shelf"), on("Film", "shelf")],
  [on("Book", "id", "shelf"), on("Film", "shelf", "id"), on("Song", "title")],
  [on("Thing", "id"), on("Song", "title")],
  [on("Book", "id"), on("Book", "shelf")],
];

test("an entity has one index, and no other entity has it", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...REQUIRED), source), { maxLength: 12 }), (asked) => {
      // Several branches of a plan may ask for entities in one request, each with its own requirements.
      const index = new EntityIndex();
      for (const [required, each] of asked) {
        const represent = compileRepresentation(required, schema);
        const members = flatMembers(required, schema);
        const expected = represent(each);
        const found = index.indexOf(each, represent, members);
        if (expected === null) expect(found).toBe(LACKING);
        else if (expected.__typename === undefined) expect(found).toBeUndefined();
        else expect(index.representations[found!]).toEqual(expected);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("equal entities that one branch asks for are one", () => {
  const index = new EntityIndex();
  const required = REQUIRED[2]!;
  const represent = compileRepresentation(required, schema);
  const members = flatMembers(required, schema);
  const book = () => ({ __typename: "Book", id: "1", shelf: 1 });
  expect(
    [book(), book(), { ...book(), shelf: "1" }].map((each) => index.indexOf(each, represent, members)),
  ).toEqual([0, 0, 1]);
});

test("members lead to an entity only where one fragment of texts and numbers tells them", () => {
  expect(flatMembers(REQUIRED[2]!, schema)?.get("Film")?.names).toEqual(["shelf", "id"]);
  expect([...flatMembers(REQUIRED[3]!, schema)!.keys()]).toEqual(["Thing", "Book", "Film", "Song"]);
  expect(flatMembers(REQUIRED[4]!, schema)).toBeUndefined();
  const nested = { ...field("id"), selections: [field("id")] };
  const one = { ...on("Book"), selections: [nested] };
  expect(flatMembers([one], schema)).toBeUndefined();
});
