/** What the clients of the benchmark ask for, as HTTP bodies. */
import { seededRandom } from "../scenarios.ts";

/** The sample data's products, the hottest first. */
const PRODUCT_IDS = Array.from({ length: 50 }, (_, index) => String(101 + index));
/** The city whose database has a replica. */
export const CITY = "dakar";

const PRODUCT = "query Product($id: ID!) { product(id: $id) { id name description price currency } }";
const LIST = `query Products($orderBy: ProductOrder) {
  products(first: 20, orderBy: $orderBy) { edges { node { id name price } } pageInfo { endCursor } } }`;
/** Levels are never kept; the names of their products are. */
const STOCK = `query Stock($id: ID!, $after: String) { city(id: $id) {
  stock(first: 10, after: $after) { edges { cursor node { available product { id name price } } } } } }`;
const CLIENTS = `query Clients($id: ID!, $orderBy: ClientOrder) { city(id: $id) {
  clients(first: 20, orderBy: $orderBy) { edges { node { id name town wallet { balance } } } } } }`;
const UPDATE = `mutation Update($input: UpdateProductInput!) { updateProduct(input: $input) { __typename } }`;

export const bodyOf = (query: string, variables: object) => JSON.stringify({ query, variables });
export const productBody = (id: string) => bodyOf(PRODUCT, { id });

const random = seededRandom(11);
const pick = <Value>(values: readonly Value[]) => values[Math.floor(random() * values.length)]!;
/** The product of rank n is asked for 1/n times as often as the hottest (Zipf). */
const WEIGHTS = PRODUCT_IDS.map((_, rank) => 1 / (rank + 1));
function hotProduct(): string {
  let left = random() * WEIGHTS.reduce((total, weight) => total + weight, 0);
  const rank = WEIGHTS.findIndex((weight) => {
    left -= weight;
    return left <= 0;
  });
  return PRODUCT_IDS.at(rank)!;
}

const KINDS = {
  product: () => productBody(hotProduct()),
  list: () => bodyOf(LIST, { orderBy: pick(["ID_ASC", "NAME_ASC", "PRICE_ASC", "CREATED_AT_DESC"]) }),
  stock: () => bodyOf(STOCK, { id: CITY }),
};
export type Kind = keyof typeof KINDS;
export const KIND_NAMES: Readonly<Record<Kind, string>> = {
  product: "a product",
  list: "a list of 20 products",
  stock: "a city's stock with its products",
};

const COUNT = 1_000;
const many = (draw: () => string) => Array.from({ length: COUNT }, draw);
export const bodiesOf = (kind: Kind) => many(KINDS[kind]);

/** 70 % products, 15 % lists, 15 % stock. */
export function mixedBodies(): string[] {
  return many(() => {
    const share = random();
    return KINDS[share < 0.7 ? "product" : share < 0.85 ? "list" : "stock"]();
  });
}

/** What only the city's database knows. */
export const clientsBodies = () =>
  many(() => bodyOf(CLIENTS, { id: CITY, orderBy: pick(["NAME_ASC", "REGISTERED_AT_DESC"]) }));

export const updateBodies = () =>
  many(() => bodyOf(UPDATE, { input: { id: hotProduct(), price: 1_000 + Math.floor(random() * 9_000) } }));

/** The ids of products to change. */
export const updatedProducts = () => many(hotProduct);
