/** Fields that require others with arguments. */
import { type AuditGraph, by, link } from "../graph.ts";

const SACKS = [
  { id: "r1", grain: "riz brisé", kilos: 50, prices: [22_500, 24_000, 23_000] },
  { id: "r2", grain: "mil", kilos: 25, prices: [9_000] },
];
const RATE = 655;
const CONFLICT = "the planner fetches the field once, with one of the two sets of arguments";
const PLANNER = { stock: CONFLICT };

export const requiresArguments: AuditGraph = {
  subgraphs: {
    store: {
      sdl: `${link("key")}
        type Query { sacks: [Sack!]! }
        type Sack @key(fields: "id") {
          id: ID! grain: String! kilos: Int!
          price(currency: Currency!): Int!
          prices(last: Int = 1): [Int!]!
          label(with: Label): String!
        }
        enum Currency { XOF EUR }
        input Label { upper: Boolean = false, mark: String }`,
      resolvers: {
        Query: { sacks: () => SACKS },
        Sack: {
          __resolveReference: by(SACKS, "id"),
          price: ({ prices }, { currency }) =>
            currency === "EUR" ? Math.floor(prices[0] / RATE) : prices[0],
          prices: ({ prices }, { last }) => prices.slice(0, last),
          label: ({ grain }, { with: { upper, mark } = {} as Record<string, never> }) =>
            `${upper ? grain.toUpperCase() : grain}${mark ?? ""}`,
        },
      },
    },
    export: {
      sdl: `${link("key", "external", "requires")}
        type Sack @key(fields: "id") {
          id: ID!
          kilos: Int! @external
          price(currency: Currency!): Int! @external
          prices(last: Int = 1): [Int!]! @external
          label(with: Label): String! @external
          euroPerTonne: Int! @requires(fields: "kilos price(currency: EUR)")
          francPerTonne: Int! @requires(fields: "kilos price(currency: XOF)")
          highest: Int! @requires(fields: "prices(last: 3)")
          stamp: String! @requires(fields: "label(with: { upper: true, mark: \\"!\\" })")
        }
        enum Currency { XOF EUR }
        input Label { upper: Boolean = false, mark: String }`,
      resolvers: {
        Sack: {
          __resolveReference: (reference) => reference,
          euroPerTonne: ({ kilos, price }) => Math.floor((price * 1_000) / kilos),
          francPerTonne: ({ kilos, price }) => Math.floor((price * 1_000) / kilos),
          highest: ({ prices }) => Math.max(...prices),
          stamp: ({ label }) => `<${label}>`,
        },
      },
    },
  },
  cases: [
    {
      shows: "an enum value",
      query: "{ sacks { euroPerTonne } }",
      expected: { data: { sacks: [{ euroPerTonne: 680 }, { euroPerTonne: 520 }] } },
    },
    {
      shows: "a number other than the default",
      query: "{ sacks { highest } }",
      expected: { data: { sacks: [{ highest: 24_000 }, { highest: 9_000 }] } },
    },
    {
      shows: "an input object",
      query: "{ sacks { stamp } }",
      expected: { data: { sacks: [{ stamp: "<RIZ BRISÉ!>" }, { stamp: "<MIL!>" }] } },
    },
    {
      shows: "beside the same field with the same argument, asked by the client",
      query: "{ sacks { price(currency: EUR) euroPerTonne } }",
    },
    {
      shows: "beside the same field with other arguments under another name",
      query: "{ sacks { all: prices(last: 2) highest francs: price(currency: XOF) francPerTonne } }",
    },
    {
      shows: "beside the same field with another argument, asked by the client",
      differs: PLANNER,
      query: "{ sacks { prices(last: 1) highest } }",
      expected: {
        data: {
          sacks: [
            { prices: [22_500], highest: 24_000 },
            { prices: [9_000], highest: 9_000 },
          ],
        },
      },
    },
    {
      shows: "beside the same field with another argument, in a variable",
      differs: PLANNER,
      query:
        "query ($last: Int!) { sacks { highest ...some } } fragment some on Sack { prices(last: $last) }",
      variables: { last: 1 },
      expected: {
        data: {
          sacks: [
            { highest: 24_000, prices: [22_500] },
            { highest: 9_000, prices: [9_000] },
          ],
        },
      },
    },
    {
      shows: "twice with different arguments",
      differs: PLANNER,
      query: "{ sacks { euroPerTonne francPerTonne } }",
      expected: {
        data: {
          sacks: [
            { euroPerTonne: 680, francPerTonne: 450_000 },
            { euroPerTonne: 520, francPerTonne: 360_000 },
          ],
        },
      },
    },
  ],
};
