/**
 * Fields that require the same field with different arguments: behind interfaces and unions, in lists, in
 * chains, with variables.
 */
import { type AuditGraph, by, link } from "../graph.ts";
import { FIELDS, harvests, label, mean } from "./requires-apart-rows.ts";

const STOCK = {
  stock: "the planner fetches a required field once, under its own name, with one of the sets of arguments",
};
const ALIAS = {
  stock: "what is required is read under the field's own name, which the client has given to another",
};

export const requiresApart: AuditGraph = {
  subgraphs: {
    land: {
      sdl: `${link("key")}
        type Query { fields: [Field!]! field(id: ID!): Field anything: [Thing!]! }
        type Mutation { sell(id: ID!): Field }
        union Thing = Field | Person | Company
        type Field @key(fields: "id") {
          id: ID! name: String! crop: Crop! owner: Owner!
          yields(years: Int! = 2): [Harvest!]!
        }
        type Harvest { tonnes: Int! age: Int! }
        enum Lang { WO FR EN }
        interface Crop { label(lang: Lang!): String! }
        type Rice implements Crop { label(lang: Lang!): String! wet: Boolean! }
        type Millet implements Crop { label(lang: Lang!): String! }
        union Owner = Person | Company
        type Person { name(initials: Boolean = false): String! }
        type Company { name(initials: Boolean = false): String! ninea: String! }`,
      resolvers: {
        Query: {
          fields: () => FIELDS,
          field: (_, { id }) => by(FIELDS, "id")({ id }),
          anything: () => [{ __typename: "Field", ...FIELDS[0] }, FIELDS[1]!.owner],
        },
        Mutation: { sell: (_, { id }) => by(FIELDS, "id")({ id }) },
        Field: { __resolveReference: by(FIELDS, "id"), yields: harvests },
        Rice: { label },
        Millet: { label },
        Person: { name: ({ first, last }, { initials }) => `${initials ? first[0] : first} ${last}` },
        Company: { name: ({ title }, { initials }) => (initials ? title[0] : title) },
      },
    },
    advice: {
      sdl: `${link("key", "external", "requires")}
        type Field @key(fields: "id") {
          id: ID!
          crop: Crop! @external
          owner: Owner! @external
          yields(years: Int! = 2): [Harvest!]! @external
          price(currency: Currency!): Int! @external
          advice(mark: String = "."): String!
            @requires(fields: "crop { label(lang: WO) ... on Rice { wet } }")
          avis(mark: String = "."): String! @requires(fields: "crop { label(lang: FR) }")
          letter: String!
            @requires(fields: "owner { ... on Person { name(initials: true) } ... on Company { name ninea } }")
          greeting: String! @requires(fields: "owner { ... on Person { name } ... on Company { name(initials: true) } }")
          mean(years: Int): Float! @requires(fields: "yields(years: 3) { tonnes }")
          latest: Int! @requires(fields: "yields(years: 1) { tonnes }")
          usual: Float! @requires(fields: "yields { tonnes }")
          worth: Int! @requires(fields: "price(currency: XOF) yields(years: 1) { tonnes }")
          plain: String!
          note: Note!
          remark: Note!
        }
        type Note { text: String! by: String! }
        enum Currency { XOF EUR }
        enum Lang { WO FR EN }
        type Harvest @external { tonnes: Int! }
        interface Crop { label(lang: Lang!): String! }
        type Rice implements Crop @external { label(lang: Lang!): String! wet: Boolean! }
        type Millet implements Crop @external { label(lang: Lang!): String! }
        union Owner = Person | Company
        type Person @external { name(initials: Boolean = false): String! }
        type Company @external { name(initials: Boolean = false): String! ninea: String! }`,
      resolvers: {
        Field: {
          __resolveReference: (reference) => reference,
          advice: ({ crop }, { mark }) => `${crop.wet ? "ndox" : "naaj"} ${crop.label}${mark}`,
          avis: ({ crop }, { mark }) => `du ${crop.label}${mark}`,
          letter: ({ owner }) => `${owner.name} ${owner.ninea ?? ""}`,
          greeting: ({ owner }) => `Salut ${owner.name}`,
          mean: ({ yields }) => mean(yields),
          latest: ({ yields }) => yields[0].tonnes,
          usual: ({ yields }) => mean(yields),
          worth: ({ price, yields }) => price * yields[0].tonnes,
          plain: ({ id }) => `plain ${id}`,
          note: () => ({ text: "clay", by: "Sokhna" }),
          remark: () => ({ text: "near the road", by: "Ibra" }),
        },
      },
    },
    market: {
      sdl: `${link("key", "external", "requires")}
        type Field @key(fields: "id") {
          id: ID!
          mean(years: Int): Float! @external
          price(currency: Currency!): Int! @requires(fields: "mean(years: 3)")
        }
        enum Currency { XOF EUR }`,
      resolvers: {
        Field: {
          __resolveReference: (reference) => reference,
          price: (field, { currency }) => Math.round(field.mean * (currency === "XOF" ? 655 : 1)),
        },
      },
    },
  },
  cases: [
    {
      shows: "of an interface, twice, beside the client's own",
      differs: STOCK,
      query: "{ fields { advice crop { label(lang: EN) } avis } }",
      expected: {
        data: {
          fields: [
            { advice: "ndox ceeb.", crop: { label: "rice" }, avis: "du riz." },
            { advice: "naaj dugub.", crop: { label: "millet" }, avis: "du mil." },
          ],
        },
      },
    },
    {
      shows: "of the members of a union, twice, beside the client's own",
      differs: STOCK,
      query: "{ fields { letter greeting owner { ... on Person { name } ... on Company { name } } } }",
      expected: {
        data: {
          fields: [
            { letter: "A Diop ", greeting: "Salut Awa Diop", owner: { name: "Awa Diop" } },
            { letter: "Mbellar 0042", greeting: "Salut M", owner: { name: "Mbellar" } },
          ],
        },
      },
    },
    {
      shows: "lists of three lengths, and the client's, which a variable gives",
      differs: STOCK,
      query: `query ($years: Int!) { fields { mean latest usual ...own } }
        fragment own on Field { yields(years: $years) { age tonnes } }`,
      variables: { years: 1 },
      expected: {
        data: {
          fields: [
            { mean: 6, latest: 6, usual: 5.5, yields: [{ age: 0, tonnes: 6 }] },
            { mean: 1.5, latest: 1, usual: 1.5, yields: [{ age: 0, tonnes: 1 }] },
          ],
        },
      },
    },
    {
      shows: "the default, beside the client's argument",
      differs: STOCK,
      query: '{ field(id: "f1") { usual yields(years: 1) { tonnes } } }',
      expected: { data: { field: { usual: 5.5, yields: [{ tonnes: 6 }] } } },
    },
    {
      shows: "a chain: what is required with arguments requires more with arguments",
      differs: STOCK,
      query: '{ field(id: "f1") { worth price(currency: EUR) mean(years: 9) } }',
      expected: { data: { field: { worth: 23_580, price: 6, mean: 6 } } },
    },
    {
      shows: "each with a variable of its own, and one that needs nothing",
      differs: STOCK,
      query: `query ($a: String, $b: String) { fields { avis(mark: $b) plain advice(mark: $a) again: avis } }`,
      variables: { a: "!", b: "?" },
      expected: {
        data: {
          fields: [
            { avis: "du riz?", plain: "plain f1", advice: "ndox ceeb!", again: "du riz." },
            { avis: "du mil?", plain: "plain f2", advice: "naaj dugub!", again: "du mil." },
          ],
        },
      },
    },
    {
      shows: "with fragments below what needs nothing",
      differs: STOCK,
      query: `{ field(id: "f1") { avis advice note { ...text } remark { ...text } } } fragment text on Note { text by }`,
      expected: {
        data: {
          field: {
            avis: "du riz.",
            advice: "ndox ceeb.",
            note: { text: "clay", by: "Sokhna" },
            remark: { text: "near the road", by: "Ibra" },
          },
        },
      },
    },
    {
      shows: "one of the two, as a condition has it",
      differs: STOCK,
      query: `query ($first: Boolean!) { fields {
        avis @skip(if: $first) ... @include(if: $first) { advice crop { label(lang: EN) } }
      } }`,
      variables: { first: true },
      expected: {
        data: {
          fields: [
            { advice: "ndox ceeb.", crop: { label: "rice" } },
            { advice: "naaj dugub.", crop: { label: "millet" } },
          ],
        },
      },
    },
    {
      shows: "of what a mutation gives back",
      differs: STOCK,
      query: 'mutation { sell(id: "f2") { advice avis } other: sell(id: "f1") { avis } }',
      expected: {
        data: { sell: { advice: "naaj dugub.", avis: "du mil." }, other: { avis: "du riz." } },
      },
    },
    {
      shows: "of a member of a union that leads there",
      differs: STOCK,
      query:
        "{ anything { __typename ... on Field { usual mean } ... on Company { name(initials: true) } } }",
      expected: {
        data: {
          anything: [
            { __typename: "Field", usual: 5.5, mean: 6 },
            { __typename: "Company", name: "M" },
          ],
        },
      },
    },
    {
      shows: "the name of a key, of the type and of what is required, given to other fields",
      differs: ALIAS,
      errors: "either",
      query: "{ fields { id: name crop: id yields: plain __typename: name apart_1: name avis latest } }",
      expected: {
        data: {
          fields: [
            {
              id: "Ross Béthio",
              crop: "f1",
              yields: "plain f1",
              __typename: "Ross Béthio",
              apart_1: "Ross Béthio",
              avis: "du riz.",
              latest: 6,
            },
            {
              id: "Kaffrine",
              crop: "f2",
              yields: "plain f2",
              __typename: "Kaffrine",
              apart_1: "Kaffrine",
              avis: "du mil.",
              latest: 1,
            },
          ],
        },
      },
    },
    {
      shows:
        "the same in fragments on the types of a union, and where the client asks for the type's name too",
      differs: ALIAS,
      query: `{ anything { ... on Field { id: name crop { name: __typename } plain t: __typename }
        ... on Company { id: ninea } } }`,
      expected: {
        data: {
          anything: [
            { id: "Ross Béthio", crop: { name: "Rice" }, plain: "plain f1", t: "Field" },
            { id: "0042" },
          ],
        },
      },
    },
  ],
};
