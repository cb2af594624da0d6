/**
 * Goal: while the instances of a subgraph serve different versions, nobody is shown what one of them
 * protects. Method: pairs of schemas, in both orders.
 */
import { expect, test } from "vitest";
import { commonSchema } from "./common-schema.ts";

/** The common schema of some SDLs, and what it leaves out. */
function common(...sdls: string[]) {
  const { sdl, omitted } = commonSchema(sdls.map((sdl, index) => ({ partition: `city ${index}`, sdl })));
  return {
    sdl: sdl.trim().replace(/\s+/g, " "),
    omitted: omitted.map(({ what, because }) => `${what}: ${because}`),
  };
}

const ACCESS = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.12", import:
  ["@key", "@authenticated", { name: "@requiresScopes", as: "@scoped" }, "@policy"])`;

test.each([
  ["one says nothing yet", "", "@authenticated", "@authenticated"],
  [
    "one says something else",
    '@scoped(scopes: [["a"], ["b"]])',
    "@authenticated",
    '@scoped(scopes: [["a"], ["b"]]) @authenticated',
  ],
  [
    "both say something",
    '@scoped(scopes: [["a"], ["b"]])',
    '@scoped(scopes: [["c"], ["b"]])',
    '@scoped(scopes: [["a", "c"], ["b"]])',
  ],
  [
    "one asks for more",
    '@policy(policies: [["own"]])',
    '@policy(policies: [["own"], ["city"]])',
    '@policy(policies: [["own"]])',
  ],
  ["one allows everybody", "@public", '@policy(policies: [["own"]])', '@policy(policies: [["own"]]) @public'],
])("who may ask is asked together: %s", (_, one, other, both) => {
  const sdl = (said: string) =>
    `${ACCESS} type Query { a: Int ${said} t: T } type T ${said} { x: E } enum E ${said} { A }`;
  const older = one === "" ? sdl("").replace(ACCESS, "") : sdl(one);
  for (const versions of [
    [older, sdl(other)],
    [sdl(other), older],
  ] as const) {
    const found = common(...versions);
    expect(found.omitted).toEqual([]);
    const [query] = /type Query.*/.exec(found.sdl)!;
    for (const directive of both.split(/ (?=@)/)) expect(query.split(directive)).toHaveLength(4);
  }
});

test("what can be said in too many ways is left out rather than opened", () => {
  const many = (letter: string) =>
    `[${Array.from({ length: 20 }, (_, at) => `["${letter}${at}"]`).join(" ")}]`;
  const sdl = (letter: string) => `${ACCESS} type Query { b: Int a: Int @policy(policies: ${many(letter)}) }`;
  expect(common(sdl("a"), sdl("b"))).toMatchObject({
    sdl: expect.stringContaining("type Query { b: Int }"),
    omitted: ["Query.a: the partitions say in too many ways who may ask"],
  });
});
