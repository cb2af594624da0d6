/**
 * Goal: what cannot be asked for does not take other fields with it. Method: random operations with
 * conditions over subgraphs whose fields require one another, compared with graphql-js on one schema with all
 * fields; and services that are down.
 */
import { buildSubgraphSchema } from "@apollo/subgraph";
import fc from "fast-check";
import { graphql, parse, validate } from "graphql";
import { expect, test } from "vitest";
import { startGraph } from "../fixture/engine.ts";
import { collectGarbage } from "../fixture/heap.ts";
import { ReplicaSource } from "../sources/replica-source.ts";

/** `TEST_RUNS=1000` is a long run. */
const RUNS = Number(process.env.TEST_RUNS ?? 150);

const works = [
  { __typename: "Film", id: "1", title: "Xala", reel: 3, maker: { born: 1923, town: "Ziguinchor" } },
  { __typename: "Song", id: "2", title: "Birima", maker: { born: 1959, town: "Dakar" } },
  { __typename: "Film", id: "3", title: "Touki Bouki", reel: null, maker: null },
];
type Row = (typeof works)[number];
const byId = ({ id }: { id: string }) => works.find((row) => row.id === id)!;
const makers = ({ makers: all }: { makers: { born: number }[] }) => all.map(({ born }) => born).join("+");

const stars = {
  stars: ({ id }: Row) => Number(id) * 10,
  loud: ({ title }: Row) => title.toUpperCase(),
  era: (row: Row) => row.maker && `${row.maker.born - (row.maker.born % 10)}s`,
  origin: (row: Row) => row.maker && `${row.maker.town} ${row.maker.born}`,
};
const prices = {
  price: ({ flat }: { flat: string }) => flat.length,
  label: ({ flat, plain }: { flat: string; plain: string }) => `${flat} ${plain}`,
  badge: ({ views }: { views: number }) => `seen ${views} times`,
  verdict: ({ keeper }: { keeper: { rank: number } | null }) =>
    keeper ? `rank ${keeper.rank}` : "no keeper",
  shop: ({ id }: { id: string }) => `shop ${id}`,
};
const shelf = {
  id: "s",
  keeper: { id: "k" },
  makers: [
    { born: 1923, town: "Ziguinchor" },
    { born: 1959, town: "Dakar" },
  ],
};
const shelfStars = {
  grouped: makers,
  flat: (row: typeof shelf) => row.makers.map(({ born, town }) => `${town}:${born}`).join(),
  plain: () => "p",
};

const WORK = "id: ID! title: String! maker: Maker";
let isDown = false;

const { ask } = startGraph({
  media: {
    sdl: `type Query { works: [Work!]! work(id: ID!): Work shelf: Shelf }
      interface Work @key(fields: "id") { ${WORK} }
      type Film implements Work @key(fields: "id") { ${WORK} reel: Int }
      type Song implements Work @key(fields: "id") { ${WORK} }
      type Maker { born: Int! town: String! }
      type Shelf @key(fields: "id") { id: ID! makers: [Maker!]! keeper: Keeper }
      type Keeper @key(fields: "id") { id: ID! }`,
    resolvers: {
      Query: { works: () => works, work: (_: unknown, { id }: Row) => byId({ id }), shelf: () => shelf },
      Work: { __resolveReference: byId },
      Film: { __resolveReference: byId },
      Song: { __resolveReference: byId },
      Shelf: { __resolveReference: () => shelf },
    },
  },
  stars: {
    sdl: `type Query { top: [Work!]! }
      type Work @interfaceObject @key(fields: "id") {
        id: ID! title: String! @external maker: Maker @external
        stars: Int loud: String @requires(fields: "title")
        era: String @requires(fields: "maker { born }") origin: String @requires(fields: "maker { town born }")
      }
      type Maker { born: Int! @external town: String! @external }
      type Shelf @key(fields: "id") {
        id: ID! makers: [Maker!]! @external plain: String
        grouped: String @requires(fields: "makers { born }") flat: String @requires(fields: "makers { born town }")
      }`,
    resolvers: {
      Query: { top: () => works.map(({ id }) => ({ id })) },
      Work: { ...stars, __resolveReference: (row: Row) => row },
      Shelf: {
        ...shelfStars,
        __resolveReference: (row: object) => {
          if (isDown) throw new Error("stars is down");
          return row;
        },
      },
    },
  },
  views: {
    sdl: `type Shelf @key(fields: "id") { id: ID! views: Int }
      type Keeper @key(fields: "id") { id: ID! rank: Int }`,
    resolvers: {
      Shelf: { views: () => 7, __resolveReference: (row: object) => row },
      Keeper: {
        rank: () => 2,
        __resolveReference: (row: object) => {
          if (isDown) throw new Error("views is down");
          return row;
        },
      },
    },
  },
  prices: {
    sdl: `type Shelf @key(fields: "id") {
        id: ID! flat: String @external plain: String @external views: Int @external
        keeper: Keeper @external verdict: String @requires(fields: "keeper { rank }")
        badge: String @requires(fields: "views") shop: String price: Int @requires(fields: "flat") label: String @requires(fields: "flat plain")
      }
      type Keeper @key(fields: "id") { id: ID! rank: Int @external }`,
    resolvers: { Shelf: { ...prices, __resolveReference: (row: object) => row } },
  },
});

const FIELDS = "stars: Int loud: String era: String origin: String";
const whole = buildSubgraphSchema([
  {
    typeDefs: parse(`type Query { works: [Work!]! work(id: ID!): Work shelf: Shelf top: [Work!]! }
    interface Work { ${WORK} ${FIELDS} }
    type Film implements Work { ${WORK} reel: Int ${FIELDS} }
    type Song implements Work { ${WORK} ${FIELDS} }
    type Maker { born: Int! town: String! }
    type Shelf { id: ID! makers: [Maker!]! plain: String grouped: String flat: String views: Int badge: String shop: String price: Int label: String }`),
    resolvers: {
      Query: {
        works: () => works,
        top: () => works,
        work: (_: unknown, { id }: Row) => byId({ id }),
        shelf: () => shelf,
      },
      Film: stars,
      Song: stars,
      Shelf: {
        ...shelfStars,
        views: () => 7,
        badge: () => prices.badge({ views: 7 }),
        shop: prices.shop,
        price: (row: typeof shelf) => prices.price({ flat: shelfStars.flat(row) }),
        label: (row: typeof shelf) => prices.label({ flat: shelfStars.flat(row), plain: "p" }),
      },
    },
  },
]);

const condition = fc.constantFrom(
  ...["", "", "@include(if: $a)", "@skip(if: $a)", "@include(if: $b)", "@skip(if: $a) @include(if: $b)"],
);
const OF_WORK = ["id", "title", "maker { born }", "maker { town }", ...FIELDS.match(/\w+(?=:)/g)!];
const some = (names: readonly string[], ...more: fc.Arbitrary<string>[]): fc.Arbitrary<string> => {
  const field = fc.tuple(fc.constantFrom(...names), condition).map(([name, directives]) => {
    const [own, ...below] = name.split(" ");
    return [own, directives, ...below].join(" ");
  });
  return fc
    .array(fc.oneof({ weight: 3, arbitrary: field }, ...more), { minLength: 1, maxLength: 5 })
    .map((parts) => `{ ${parts.join(" ")} }`);
};
const onType = (type: string, names: readonly string[]) =>
  fc.tuple(condition, some(names)).map(([directives, below]) => `... on ${type} ${directives} ${below}`);
const work = some(
  OF_WORK,
  onType("Film", [...OF_WORK, "reel"]),
  onType("Song", OF_WORK),
  onType("Work", OF_WORK),
);
const SHELF = [
  "id",
  "plain",
  "grouped",
  "flat",
  "makers { born }",
  "makers { town }",
  "views",
  "badge",
  "shop",
  "price",
  "label",
];
const query = fc.oneof(
  fc.tuple(fc.constantFrom("works", "top", 'work(id: "2")'), work).map(([root, below]) => `${root} ${below}`),
  some(SHELF, onType("Shelf", SHELF)).map((below) => `shelf ${below}`),
);

test("random operations with conditions come to what one service would answer", async () => {
  await fc.assert(
    fc.asyncProperty(query, fc.boolean(), fc.boolean(), async (root, a, b) => {
      const source = `query ($a: Boolean!, $b: Boolean!) { __typename @include(if: $a) @skip(if: $b) ${root} }`;
      if (validate(whole, parse(source)).length > 0) return;
      const expected = await graphql({ schema: whole, source, variableValues: { a, b } });
      const { data, errors, asked } = await ask(source, { a, b });
      expect({ data, errors }).toEqual({
        data: JSON.parse(JSON.stringify(expected.data)),
        errors: undefined,
      });
      const told = asked.flatMap(({ variables }) => (variables?.representations ?? []) as { id?: string }[]);
      expect(told.filter(({ id }) => id === undefined)).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});

test("what two fields require of one object under different conditions is told together", async () => {
  const query = `query ($a: Boolean!, $b: Boolean!) { shelf { ... on Shelf { id } ... on Shelf @include(if: $b) { grouped }
    ... on Shelf { price @skip(if: $a) @include(if: $b) id } } }`;
  const { data } = await ask(query, { a: false, b: true });
  expect(data).toEqual({ shelf: { id: "s", grouped: "1923+1959", price: 26 } });
});

test("what needs an answer of a service that is down is null; what needs nothing of it is there", async () => {
  isDown = true;
  const { data, errors, asked } = await ask("{ shelf { id badge price label plain } }");
  isDown = false;
  expect(data).toEqual({ shelf: { id: "s", badge: "seen 7 times", price: null, label: null, plain: null } });
  expect(errors!.map(({ message }) => message)).toEqual(["stars is down"]);
  const ofPrices = asked.filter(({ subgraph }) => subgraph === "prices").map(({ query }) => query);
  expect(ofPrices).toEqual([expect.stringContaining("{badge}")]);
});

test("what lies within what is required is there, or the field is not asked for", async () => {
  const query = "{ shelf { keeper { id } verdict } }";
  expect((await ask(query)).data).toEqual({ shelf: { keeper: { id: "k" }, verdict: "rank 2" } });
  isDown = true;
  const { data, errors } = await ask(query);
  isDown = false;
  expect(data).toEqual({ shelf: { keeper: { id: "k" }, verdict: null } });
  expect(errors!.map(({ message }) => message)).toEqual(["views is down"]);
});

test("objects that lack the same are one request", async () => {
  const { asked } = await ask("query ($v: Boolean!) { works { stars loud @skip(if: $v) era } }", { v: true });
  expect(asked.map(({ subgraph }) => subgraph)).toEqual(["media", "stars"]);
});

test("parts that conditions make are kept within a bound: k of them make 2^k", async () => {
  const names = Array.from({ length: 7 }, (_, at) => at);
  const fields = (form: (at: number) => string) => names.map(form).join(" ");
  const tall = startGraph(
    {
      rows: {
        sdl: `type Query { row: Row } type Row @key(fields: "id") { id: ID! ${fields((at) => `r${at}: Int`)} }`,
        resolvers: {
          Query: { row: () => Object.fromEntries([["id", "1"], ...names.map((at) => [`r${at}`, at])]) },
        },
      },
      sums: {
        sdl: `type Row @key(fields: "id") { id: ID! ${fields((at) => `r${at}: Int @external s${at}: Int @requires(fields: "r${at}")`)} }`,
        resolvers: {
          Row: Object.fromEntries(
            names.map((at) => [`s${at}`, (row: Record<string, number>) => row[`r${at}`]! + 1]),
          ),
        },
      },
    },
    { limits: { tokensMax: 100 } },
  );
  const query = `query (${fields((at) => `$v${at}: Boolean!`)}) { row { ${fields((at) => `s${at} @include(if: $v${at})`)} } }`;
  const prepared: WeakRef<object>[] = [];
  const { prepare } = ReplicaSource.prototype;
  ReplicaSource.prototype.prepare = function (this: ReplicaSource, operation) {
    const made = prepare.call(this, operation);
    prepared.push(new WeakRef(made));
    return made;
  };
  try {
    for (let bits = 0; bits < 2 ** names.length; bits++) {
      const isAsked = (at: number) => (bits & (1 << at)) !== 0;
      const variables = Object.fromEntries(names.map((at) => [`v${at}`, isAsked(at)]));
      const { data, asked } = await tall.ask(query, variables);
      const sums = names.filter(isAsked).map((at) => [`s${at}`, at + 1]);
      expect(data).toEqual({ row: Object.fromEntries(sums) });
      expect(asked.length).toBeLessThanOrEqual(2);
    }
  } finally {
    ReplicaSource.prototype.prepare = prepare;
  }
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  expect(prepared.length).toBeGreaterThan(100);
  expect(prepared.filter((each) => each.deref()).length).toBeLessThan(50);
});
