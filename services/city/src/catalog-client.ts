/** What a city asks the catalog: whether a product exists, before it is stocked for the first time. */
import { codedError } from "@teranga/kit/errors.ts";
import { replicasOf, type Topology } from "@teranga/kit/topology.ts";
import type { Send } from "@teranga/kit/transport.ts";

export interface CatalogClient {
  /** @throws GraphQLError SUBGRAPH_UNAVAILABLE */
  hasProduct(productId: string): Promise<boolean>;
}

const PRODUCT = "query ProductExists($id: ID!) { product(id: $id) { id } }";

export function createCatalogClient(topology: Topology, send: Send): CatalogClient {
  const urls = replicasOf(topology, "catalog");
  return {
    async hasProduct(id) {
      for (const url of urls) {
        try {
          const { data, errors } = await send(url, { query: PRODUCT, variables: { id } });
          if (!errors) return data?.product != null;
        } catch {
          // The next replica may answer; when none does, the error below says so.
        }
      }
      throw codedError("SUBGRAPH_UNAVAILABLE", "The catalog is unavailable.", { subgraph: "catalog" });
    },
  };
}
