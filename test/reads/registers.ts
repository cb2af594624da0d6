/**
 * The registers that clients write and read through the graph: their documents, and the versions that answers
 * show.
 */

/** A value whose versions only grow. */
export type Register =
  /** Of the catalog. One writer at a time raises it; other reads come from a cache. */
  | { kind: "price"; productId: string }
  /** Of a city. Anybody tops it up by 1. */
  | { kind: "wallet"; clientId: string }
  /** Of a city, written through the orchestrator: the number of a client's orders. */
  | { kind: "orders"; clientId: string };

export const nameOf = (register: Register): string =>
  register.kind === "price" ? `price ${register.productId}` : `${register.kind} ${register.clientId}`;

export interface Document {
  query: string;
  variables: Record<string, unknown>;
}

/** A read, and the registers whose versions its answer shows. */
export interface Read extends Document {
  /** The versions by the names of registers. Undefined if the answer shows none. */
  // biome-ignore lint/suspicious/noExplicitAny: the document decides the shape
  versions(data: any): [register: string, version: number][];
}

interface Priced {
  id: string;
  price: number;
}

const pricesOf = (products: readonly Priced[]): [string, number][] =>
  products.map(({ id, price }) => [nameOf({ kind: "price", productId: id }), price]);

/** Reads one register by itself. */
export function readOf(register: Register): Read {
  switch (register.kind) {
    case "price":
      return {
        query: "query Price($id: ID!) { product(id: $id) { id price } }",
        variables: { id: register.productId },
        versions: ({ product }) => pricesOf([product]),
      };
    case "wallet":
      return {
        query: "query Wallet($id: ID!) { client(id: $id) { wallet { balance } } }",
        variables: { id: register.clientId },
        versions: ({ client }) => [[nameOf(register), client.wallet.balance]],
      };
    case "orders":
      return {
        query: "query Orders($id: ID!) { client(id: $id) { orders(first: 1) { totalCount } } }",
        variables: { id: register.clientId },
        versions: ({ client }) => [[nameOf(register), client.orders.totalCount]],
      };
    default:
      return register satisfies never;
  }
}

/** Reads the prices of products as a list of the catalog. */
export function readList(search: string): Read {
  return {
    query: `query List($search: String!) {
      products(first: 50, filter: { search: $search }) { edges { node { id price } } } }`,
    variables: { search },
    versions: ({ products }) => pricesOf(products.edges.map(({ node }: { node: Priced }) => node)),
  };
}

/** Reads the prices of products as entities that a city refers to. */
export function readStocked(cityId: string, productIds: readonly string[]): Read {
  return {
    query: `query Stocked($city: ID!, $ids: [ID!]!) {
      city(id: $city) { stock(first: 50, filter: { productIds: $ids }) { edges { node { product { id price } } } } } }`,
    variables: { city: cityId, ids: productIds },
    versions: ({ city }) =>
      pricesOf(city.stock.edges.map(({ node }: { node: { product: Priced } }) => node.product)),
  };
}

/** Writes a register's next version. */
export interface Write extends Document {
  /** The version that the answer acknowledges; undefined if it says that nothing was written. */
  // biome-ignore lint/suspicious/noExplicitAny: the document decides the shape
  acknowledged(data: any): number | undefined;
}

/**
 * @param version of the price, and the least that the orders have then; a wallet's answer says its own
 * @param key the same for a repetition
 */
export function writeOf(register: Register, version: number, key: string, productId: string): Write {
  switch (register.kind) {
    case "price":
      return {
        query: `mutation Raise($input: UpdateProductInput!) {
          done: updateProduct(input: $input) { ... on ProductUpdated { product { price } } } }`,
        variables: { input: { id: register.productId, price: version } },
        acknowledged: ({ done }) => done?.product?.price,
      };
    case "wallet":
      return {
        query: `mutation TopUp($input: TopUpWalletInput!) {
          done: topUpWallet(input: $input) { ... on WalletToppedUp { wallet { balance } } } }`,
        variables: { input: { clientId: register.clientId, amount: 1, idempotencyKey: key } },
        acknowledged: ({ done }) => done?.wallet?.balance,
      };
    case "orders":
      return {
        query: "mutation Order($input: PlaceOrderInput!) { done: placeOrder(input: $input) { __typename } }",
        variables: {
          input: { clientId: register.clientId, lines: [{ productId, quantity: 1 }], idempotencyKey: key },
        },
        acknowledged: ({ done }) => (done?.__typename === "OrderPlaced" ? version : undefined),
      };
    default:
      return register satisfies never;
  }
}
