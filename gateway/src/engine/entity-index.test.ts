/**
 * Goal: two objects are sent as one entity if, and only if, their representations are equal. Method: random objects, some of whose values are
 * easily taken for one another.
 */
import fc from "fast-check";
import { buildSchema, Kind } from "graphql";
import { expect, test } from "vitest";
import type { JsonObject } from "../answer.ts";
import { EntityIndex } from "./entity-index.ts";
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
  [on("Book", "id", "shelf"), on("Film", "shelf", "id"), on("Song", "title")],
  [on("Thing", "id"), on("Song", "title")],
  [on("Book", "id"), on("Book", "shelf")],
];

test("an entity has one index, and no other entity has it", () => {
  fc.assert(
    fc.property(fc.constantFrom(...REQUIRED), fc.array(source, { maxLength: 12 }), (required, sources) => {
      const represent = compileRepresentation(required, schema);
      const members = flatMembers(required, schema);
      const index = new EntityIndex();
      for (const each of sources) {
        const expected = represent(each);
        const found = index.indexOf(each, represent, members);
        if (expected?.__typename === undefined) expect(found).toBeUndefined();
        else expect(index.representations[found!]).toEqual(expected);
      }
      const texts = index.representations.map((one) => JSON.stringify(one));
      expect(new Set(texts).size).toBe(texts.length);
    }),
    { numRuns: 1_000 },
  );
});

test("members lead to an entity only where one fragment of texts and numbers tells them", () => {
  expect(flatMembers(REQUIRED[0]!, schema)?.get("Film")).toEqual(["shelf", "id"]);
  expect([...flatMembers(REQUIRED[1]!, schema)!.keys()]).toEqual(["Thing", "Book", "Film", "Song"]);
  expect(flatMembers(REQUIRED[2]!, schema)).toBeUndefined();
  const nested = { ...field("id"), selections: [field("id")] };
  const one = { ...on("Book"), selections: [nested] };
  expect(flatMembers([one], schema)).toBeUndefined();
});
