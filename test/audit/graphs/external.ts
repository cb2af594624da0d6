/**
 * Extended entities in the syntax of Federation 1 and of Federation 2, with fields that are only referred to.
 */
import { type AuditGraph, by, link } from "../graph.ts";

const FIELDS = [
  { id: "f1", crop: "arachide", hectares: 12, village: "Keur Moussa" },
  { id: "f2", crop: "niébé", hectares: 3, village: "Fandène" },
];

export const external: AuditGraph = {
  subgraphs: {
    // The syntax of Federation 1, without `@link`.
    owners: {
      sdl: `
        extend type Query { fields: [Field] biggest: Field @provides(fields: "hectares") }
        extend type Field @key(fields: "id") {
          id: ID! @external
          crop: String @external
          hectares: Int @external
          sack: String @requires(fields: "crop")
        }`,
      resolvers: {
        Query: {
          fields: () => FIELDS.map(({ id }) => ({ id })),
          biggest: () => ({ id: "f1", hectares: 999 }),
        },
        Field: { __resolveReference: (reference) => reference, sack: ({ crop }) => `sac de ${crop}` },
      },
    },
    fields: {
      sdl: 'type Field @key(fields: "id") { id: ID! crop: String hectares: Int village: String }',
      resolvers: { Field: { __resolveReference: by(FIELDS, "id") } },
    },
    weather: {
      sdl: `${link("key", "external", "extends", "requires")}
        type Field @key(fields: "id") @extends {
          id: ID! @external
          village: String @external
          rain: String @requires(fields: "village")
        }
        type Query @extends { driest: Field }`,
      resolvers: {
        Query: { driest: () => ({ id: "f2" }) },
        Field: { __resolveReference: (reference) => reference, rain: ({ village }) => `pluie à ${village}` },
      },
    },
    // Its id is `@external`, and yet this subgraph serves it; only the key refers to it.
    survey: {
      sdl: `${link("key", "external", "shareable")}
        extend type Field @key(fields: "id") { id: ID! @external surveyed: Boolean! }
        type Query { surveyed: [Field!]! }`,
      resolvers: {
        Query: { surveyed: () => [{ id: "f2" }] },
        Field: { __resolveReference: (reference) => reference, surveyed: ({ id }) => id === "f2" },
      },
    },
  },
  cases: [
    { shows: "extending in the first federation's words", query: "{ fields { id crop } }" },
    {
      shows: "requiring in the first federation's words",
      query: "{ fields { sack } }",
      expected: { data: { fields: [{ sack: "sac de arachide" }, { sack: "sac de niébé" }] } },
    },
    {
      shows: "providing in the first federation's words",
      query: "{ biggest { id hectares } }",
      expected: { data: { biggest: { id: "f1", hectares: 999 } } },
    },
    { shows: "providing, and fetching the rest", query: "{ biggest { hectares village crop rain sack } }" },
    { shows: "extending in the second's", query: "{ driest { id rain surveyed sack } }" },
    { shows: "an external key that is asked for", query: "{ surveyed { id surveyed } driest { id } }" },
    {
      shows: "all of them over one entity",
      query: "{ fields { id crop hectares village sack rain surveyed } }",
    },
  ],
};
