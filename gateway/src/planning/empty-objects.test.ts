/**
 * Goal: an object that exists is never null because conditions leave out all of its fields. Method: the
 * cases, on two subgraphs.
 */
import { expect, test } from "vitest";
import { startGraph } from "../fixture/engine.ts";

const BOX = { id: "1", x: 1, lid: { y: 2 } };
const world = startGraph({
  a: {
    sdl: `type Query { box: Box boxes: [Box!]! } type Box @key(fields: "id") { id: ID! x: Int lid: Lid } type Lid { y: Int }`,
    resolvers: { Query: { box: () => BOX, boxes: () => [BOX] }, Box: { __resolveReference: () => BOX } },
  },
  b: {
    sdl: `type Box @key(fields: "id") { id: ID! far: Int peer: Box }`,
    resolvers: { Box: { __resolveReference: (key: object) => key, far: () => 5, peer: () => ({ id: "1" }) } },
  },
});

test.each<[string, unknown]>([
  ["{ box @include(if: $t) { x @skip(if: $t) } }", { box: {} }],
  ["{ box @include(if: $t) { peer { far @skip(if: $t) } } }", { box: { peer: {} } }],
  ["{ box { peer @include(if: $t) { far @skip(if: $t) x @skip(if: $t) } } }", { box: { peer: {} } }],
  ["{ box { lid @include(if: $t) { ...y } } } fragment y on Lid { y @skip(if: $t) }", { box: { lid: {} } }],
  ["{ ... @include(if: $t) { boxes { ... on Box @skip(if: $t) { x lid { y } } } } }", { boxes: [{}] }],
  ["{ box @include(if: $t) { x @skip(if: $t) far } }", { box: { far: 5 } }],
])("%s", async (query, data) => {
  const [operation, ...fragments] = query.split(" fragment");
  const text = [`query ($t: Boolean = true) ${operation}`, ...fragments].join(" fragment");
  expect(await world.ask(text)).toMatchObject({ data });
});
