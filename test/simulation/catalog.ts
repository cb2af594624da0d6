/** The catalog, in memory: products whose prices change. */
import { Amount, DateTime } from "@teranga/kit/graphql/scalars.ts";
import { readSchema } from "@teranga/schema/read-schema.ts";
import type { Random } from "../harness/random.ts";
import type { CommittedDetail } from "./city-mirror.ts";
import { createEndpoint, type Endpoint } from "./endpoint.ts";
import { PRICES } from "./shop.ts";
import { promise } from "./violation.ts";

interface CatalogContext {
  prices: ReadonlyMap<string, number>;
}

export class Catalog {
  readonly #prices = new Map(Object.entries(PRICES));
  /** What products cost now or have cost: `product price`. */
  readonly #ever = new Set(Object.entries(PRICES).map(([id, price]) => `${id} ${price}`));
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  serve(request: string): Promise<string> {
    return this.#endpoint(request, { prices: this.#prices });
  }

  priceOf(productId: string): number {
    return this.#prices.get(productId)!;
  }

  /** @throws Violation if an order was sold for what its products never cost */
  checkPrices({ id, order }: CommittedDetail): void {
    for (const [productId, , unitPrice] of order?.lines ?? []) {
      promise(this.#ever.has(`${productId} ${unitPrice}`), () => `${id} sells ${productId} for ${unitPrice}`);
    }
  }

  /** Another price for some product; what it was. */
  changePrice(random: Random): string {
    const productId = random.pick([...this.#prices.keys()]);
    const price = random.between(1, 40) * 100;
    this.#prices.set(productId, price);
    this.#ever.add(`${productId} ${price}`);
    return `${productId} costs ${price}`;
  }
}

const product = (id: string, { prices }: CatalogContext) =>
  prices.has(id) ? { id, price: prices.get(id), discontinued: false } : null;

export function createCatalogEndpoint(): Endpoint {
  return createEndpoint({
    typeDefs: readSchema("catalog"),
    resolvers: {
      DateTime,
      Amount,
      Query: {
        product: (_: unknown, { id }: { id: string }, context: CatalogContext) => product(id, context),
      },
      Product: {
        __resolveReference: ({ id }: { id: string }, context: CatalogContext) => product(id, context),
      },
    },
    onFault: (error) => {
      throw error;
    },
  });
}
