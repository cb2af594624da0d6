/** A city's questions to the catalog. */

import { areNotNow, codedError, cutText } from "@teranga/kit/graphql/errors.ts";
import { withinDeadlineMs } from "@teranga/kit/http/deadline.ts";
import { type Send, type SubgraphRequest, TransportError } from "@teranga/kit/http/transport.ts";
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

const PRODUCT = "query ProductExists($id: ID!) { product(id: $id) { id } }";
const ON_SALE = `query ProductsOnSale($products: [_Any!]!) {
  _entities(representations: $products) { ... on Product { discontinued } }
}`;

const productAnswer = z.object({ product: z.object({ id: z.string() }).nullable() });
const soldAnswer = z.object({ _entities: z.array(z.object({ discontinued: z.boolean() }).nullable()) });

const CAUSE_LENGTH_MAX = 300;
/** The catalog answers within milliseconds. */
const DEADLINE_MS = 5_000;

/**
 * Reads the topology anew for each question.
 * @param onFault called with an answer that the catalog does not give while all is well
 * @throws StartupError if the topology has no catalog now
 */
export function createCatalogClient(
  topology: Topology,
  send: Send,
  onFault: (error: unknown) => void = () => {},
): CatalogClient {
  replicasOf(topology, "catalog");

  /** Asks the replicas in turn. Null if none answers. */
  const ask = async <Answer>(request: SubgraphRequest, answer: z.ZodType<Answer>): Promise<Answer | null> => {
    for (const url of replicasOf(topology, "catalog")) {
      try {
        const { data, errors } = await send(url, request, { deadlineMs: withinDeadlineMs(DEADLINE_MS) });
        const parsed = answer.safeParse(data);
        if (!errors && parsed.success) return parsed.data;
        if (errors && areNotNow(errors)) continue;
        const cause = errors ? new Error(cutText(errors[0]?.message ?? "", CAUSE_LENGTH_MAX)) : parsed.error;
        onFault(new Error(`${url} answered something else than was asked`, { cause }));
      } catch (error) {
        // Only a network failure sends the question to the next replica. Any other error is a fault of ours.
        if (!(error instanceof TransportError)) throw error;
      }
    }
    return null;
  };

  return {
    async hasProduct(id) {
      const data = await ask({ query: PRODUCT, variables: { id } }, productAnswer);
      if (data) return data.product !== null;
      throw codedError("SUBGRAPH_UNAVAILABLE", "The catalog is unavailable.", { subgraph: "catalog" });
    },

    async areSold(ids) {
      const products = ids.map((id) => ({ __typename: "Product", id }));
      const data = await ask({ query: ON_SALE, variables: { products } }, soldAnswer);
      const found = data?._entities;
      return ids.map((_, index) => (found ? found[index]?.discontinued === false : true));
    },
  };
}
