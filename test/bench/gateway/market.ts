/**
 * The graph of the gateway's benchmark, in the shape of the public benchmark of federation gateways: users,
 * products, stock, and reviews that link users and products. It keeps the public counts (six users, nine
 * products, eleven reviews, the same two reviews for each user), because they decide how often an entity
 * repeats in one answer. SDL, data and texts are our own.
 */
import { buildSubgraphSchema, type GraphQLResolverMap } from "@apollo/subgraph";
import { compose } from "@teranga/schema/compose.ts";
import { type GraphQLSchema, parse } from "graphql";

/** The operations that are measured. */
export const OPERATIONS = {
  /** Sixteen fetches in four waves, and an answer of 87 kB, nearly all of it repeated entities. */
  heavy: `query Heavy {
  users { ...user reviews { ...review product { ...product reviews { ...review author { ...user reviews { ...review product { ...product } } } } } } }
  topProducts { ...product reviews { ...review author { ...user reviews { ...review product { ...product } } } } }
}
fragment user on User { id username name }
fragment review on Review { id body }
fragment product on Product { upc name price weight inStock shippingEstimate }`,
  /** Two successive fetches and an answer of 240 bytes. */
  light: "query Light { topProducts(first: 5) { upc name inStock } }",
} as const;

export type OperationName = keyof typeof OPERATIONS;
export const OPERATION_NAMES = Object.keys(OPERATIONS) as OperationName[];

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",
  import: ["@key", "@external", "@requires", "@provides", "@shareable"])\n`;

interface User {
  id: string;
  username: string;
  name: string;
  birthday: number;
}

interface Product {
  upc: string;
  name: string;
  price: number;
  weight: number;
}

interface Review {
  id: string;
  upc: string;
  body: string;
}

const BIRTHDAY = 19_600_404;
const USERS: User[] = [
  ["Aminata Sow", "asow"],
  ["Cheikh Diagne", "cdiagne"],
  ["Fatou Mbaye", "fmbaye"],
  ["Ibrahima Fall", "ifall"],
  ["Khady Seck", "kseck"],
  ["Omar Ba", "oba"],
].map(([name, username], index) => ({
  id: String(index + 1),
  username: username!,
  name: name!,
  birthday: BIRTHDAY,
}));

const PRODUCTS: Product[] = (
  [
    ["Natte", 900, 100],
    ["Canapé", 1_300, 1_000],
    ["Verre", 15, 20],
    ["Chaise", 500, 100],
    ["Radio", 1_250, 900],
    ["Lampe", 7_000, 300],
    ["Fourneau", 4_000, 2_000],
    ["Glacière", 90_000, 6_000],
    ["Fauteuil", 9_900, 800],
  ] as const
).map(([name, price, weight], index) => ({ upc: String(index + 1), name, price, weight }));

const IN_STOCK = new Set(["1", "5", "6", "7", "9"]);

const SENTENCE =
  "Livré en deux jours à Rufisque, bien emballé, solide et tel que sur la photo ; je le reprendrais sans hésiter. ";
/** The product and the number of letters of each review. */
const REVIEWS: Review[] = (
  [
    [398, "1"],
    [305, "1"],
    [270, "1"],
    [140, "1"],
    [440, "2"],
    [290, "2"],
    [270, "2"],
    [140, "2"],
    [140, "3"],
    [140, "4"],
    [880, "4"],
  ] as const
).map(([length, upc], index) => ({
  id: String(index + 1),
  upc,
  body: SENTENCE.repeat(Math.ceil(length / SENTENCE.length)).slice(0, length),
}));

interface Subgraph {
  sdl: string;
  resolvers: GraphQLResolverMap<unknown>;
}

const productOf = ({ upc }: { upc: string }) => PRODUCTS.find((product) => product.upc === upc);
const reviewerOf = ({ id }: { id: string }) => ({
  id,
  username: USERS.find((user) => user.id === id)?.username,
});

export const SUBGRAPHS: Readonly<Record<string, Subgraph>> = {
  accounts: {
    sdl: `${LINK}
      type Query { me: User user(id: ID!): User users: [User] }
      type User @key(fields: "id") { id: ID! name: String username: String @shareable birthday: Int }`,
    resolvers: {
      Query: {
        me: () => USERS[0],
        user: (_: unknown, { id }: { id: string }) => USERS.find((user) => user.id === id),
        users: () => USERS,
      },
      User: { __resolveReference: ({ id }: User) => USERS.find((user) => user.id === id) },
    },
  },
  inventory: {
    sdl: `${LINK}
      type Product @key(fields: "upc") {
        upc: String!
        weight: Int @external
        price: Int @external
        inStock: Boolean
        shippingEstimate: Int @requires(fields: "price weight")
      }`,
    resolvers: {
      Product: {
        __resolveReference: (reference: Product) => reference,
        inStock: ({ upc }: Product) => IN_STOCK.has(upc),
        // Free above a price, half the weight below it.
        shippingEstimate: ({ price, weight }: Product) => (price > 1_000 ? 0 : Math.floor(weight / 2)),
      },
    },
  },
  products: {
    sdl: `${LINK}
      type Query { topProducts(first: Int = 5): [Product] }
      type Product @key(fields: "upc") { upc: String! name: String price: Int weight: Int }`,
    resolvers: {
      Query: { topProducts: (_: unknown, { first }: { first: number }) => PRODUCTS.slice(0, first) },
      Product: { __resolveReference: productOf },
    },
  },
  reviews: {
    sdl: `${LINK}
      type Review @key(fields: "id") { id: ID! body: String product: Product author: User @provides(fields: "username") }
      type User @key(fields: "id") { id: ID! username: String @external reviews: [Review] }
      type Product @key(fields: "upc") { upc: String! reviews: [Review] }`,
    resolvers: {
      Review: {
        __resolveReference: ({ id }: Review) => REVIEWS.find((review) => review.id === id),
        product: ({ upc }: Review) => ({ upc }),
        author: () => reviewerOf(USERS[0]!),
      },
      User: { __resolveReference: reviewerOf, reviews: () => REVIEWS.slice(0, 2) },
      Product: {
        __resolveReference: ({ upc }: Product) => ({ upc }),
        reviews: ({ upc }: Product) => REVIEWS.filter((review) => review.upc === upc),
      },
    },
  },
};

/** The schema that a subgraph's answers are computed with. */
export function schemaOf({ sdl, resolvers }: Subgraph): GraphQLSchema {
  return buildSubgraphSchema([{ typeDefs: parse(sdl), resolvers }]);
}

/** @param origin the origin of the server of all subgraphs; the path is the subgraph's name */
export function marketSupergraph(origin: string): string {
  const subgraphs = Object.entries(SUBGRAPHS).map(([name, { sdl }]) => ({
    name,
    url: `${origin}/${name}`,
    sdl,
  }));
  return compose(subgraphs).supergraphSdl;
}
