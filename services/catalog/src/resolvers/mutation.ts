import { parseInput } from "@teranga/kit/graphql/input.ts";
import type { MutationResolvers } from "@teranga/schema/generated/catalog.ts";
import type { CatalogContext } from "../context.ts";
import { createOnce } from "../create-once.ts";
import { createProductInput, updateProductInput } from "../input.ts";
import { writeNamed } from "../name-taken.ts";
import { isPossibleId, type Product, quoteId } from "../product.ts";
import { discontinueProduct } from "../sql/discontinue-product.ts";
import { updateProduct } from "../sql/update-product.ts";

export const mutation = {
  async createProduct(_parent, args, { sql }) {
    const { idempotencyKey, ...product } = parseInput(createProductInput, args.input, "input");
    const written = await createOnce(sql, product, idempotencyKey);
    switch (written.kind) {
      case "written": {
        const { product, isSame } = written.result;
        if (isSame) return { __typename: "ProductCreated", product };
        const message = "The idempotency key stands for another product.";
        return { __typename: "ProductKeyReused", message, product };
      }
      case "taken":
        return nameTaken(written.by);
      default:
        return written satisfies never;
    }
  },

  async updateProduct(_parent, args, { sql }) {
    const { id, ...changes } = parseInput(updateProductInput, args.input, "input");
    if (!isPossibleId(id)) return unknownProduct(id);
    const written = await writeNamed(sql, changes.name ?? "", () => updateProduct(sql, id, changes));
    switch (written.kind) {
      case "written":
        return written.result
          ? { __typename: "ProductUpdated", product: written.result }
          : unknownProduct(id);
      case "taken":
        return nameTaken(written.by);
      default:
        return written satisfies never;
    }
  },

  async discontinueProduct(_parent, { input: { id } }, { sql }) {
    const product = isPossibleId(id) ? await discontinueProduct(sql, id) : null;
    return product ? { __typename: "ProductDiscontinued", product } : unknownProduct(id);
  },
} satisfies MutationResolvers<CatalogContext>;

function nameTaken(product: Product) {
  return {
    __typename: "ProductNameTaken" as const,
    message: `Product ${product.id} is already called "${product.name}".`,
    product,
  };
}

function unknownProduct(id: string) {
  const productId = quoteId(id);
  return { __typename: "UnknownProduct" as const, message: `There is no product "${productId}".`, productId };
}
