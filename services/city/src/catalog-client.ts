/** A city's questions to the catalog. */

import { codedError } from "@teranga/kit/graphql/errors.ts";
import { withinDeadlineMs } from "@teranga/kit/http/deadline.ts";
import { TransportError } from "@teranga/kit/http/transport.ts";
import { type AskMeans, ask, type Question } from "@teranga/kit/instances/ask.ts";
import { replicasOf, type Topology } from "@teranga/kit/topology/topology.ts";
import { z } from "zod";

export interface CatalogClient {
  /**
   * Whether the product exists; asked before a product is stocked for the first time.
   * @throws GraphQLError SUBGRAPH_UNAVAILABLE
   */
  hasProduct(productId: string): Promise<boolean>;
  /**
   * For each product, whether it is on sale. While the catalog does not answer, all products count as on
   * sale: only recommendations depend on it.
   */
  areSold(productIds: readonly string[]): Promise<boolean[]>;
}

const PRODUCT = {
  operationName: "ProductExists",
  query: "query ProductExists($id: ID!) { product(id: $id) { id } }",
  answer: z.object({ product: z.object({ id: z.string() }).nullable() }),
};
const ON_SALE = {
  operationName: "ProductsOnSale",
  query: `query ProductsOnSale($products: [_Any!]!) {
    _entities(representations: $products) { ... on Product { discontinued } }
  }`,
  answer: z.object({ _entities: z.array(z.object({ discontinued: z.boolean() }).nullable()) }),
};

/** The catalog answers within milliseconds. */
const DEADLINE_MS = 5_000;

/**
 * Reads the topology anew for each question.
 * @throws StartupError if the topology has no catalog now
 */
export function createCatalogClient(topology: Topology, means: AskMeans): CatalogClient {
  const urlsNow = () => replicasOf(topology, "catalog");
  urlsNow();

  /** Null if no replica answers. */
  const tryToAsk = async <Schema extends z.ZodType>(question: Omit<Question<Schema>, "deadlineMs">) => {
    try {
      return await ask(means, urlsNow(), { ...question, deadlineMs: withinDeadlineMs(DEADLINE_MS) });
    } catch (error) {
      if (error instanceof TransportError) return null;
      throw error;
    }
  };

  return {
    async hasProduct(id) {
      const data = await tryToAsk({ ...PRODUCT, variables: { id } });
      if (data) return data.product !== null;
      throw codedError("SUBGRAPH_UNAVAILABLE", "The catalog is unavailable.", { subgraph: "catalog" });
    },

    async areSold(ids) {
      const products = ids.map((id) => ({ __typename: "Product", id }));
      const data = await tryToAsk({ ...ON_SALE, variables: { products } });
      const found = data?._entities;
      return ids.map((_, index) => (found ? found[index]?.discontinued === false : true));
    },
  };
}
