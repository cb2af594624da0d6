import { badInput } from "@teranga/kit/graphql/errors.ts";
import { parseInput } from "@teranga/kit/graphql/input.ts";
import { classifyDatabaseError } from "@teranga/kit/postgres/database.ts";
import type { MutationResolvers } from "@teranga/schema/generated/catalog.ts";
import type { CatalogContext } from "../context.ts";
import { createOnce } from "../create-once.ts";
import { createProductInput, updateProductInput } from "../input.ts";
import { nameTaken, writeNamed } from "../name-taken.ts";
import { isPossibleId, quoteId } from "../product.ts";
import { discontinueProduct } from "../sql/discontinue-product.ts";
import { updateProduct } from "../sql/update-product.ts";
import { nodesMutation } from "./nodes.ts";
import { chooseValue } from "./resolve-conflict.ts";
import { supplierMutations, unknownSupplier } from "./supplier-mutations.ts";

export const mutation = {
  ...nodesMutation,

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

  async updateProduct(_parent, args, { sql, suppliers }) {
    const { id, ...changes } = parseInput(updateProductInput, args.input, "input");
    if (!isPossibleId(id)) return unknownProduct(id);
    if (changes.supplierId != null && !(await suppliers.load(changes.supplierId)))
      return unknownSupplier(changes.supplierId);
    const written = await writeNamed(sql, changes.name ?? "", () =>
      updateProduct(sql, id, changes).catch(tellTooManyTags),
    );
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
  ...supplierMutations,
  resolveConflict: (_parent, { input }, { sql }) => chooseValue(sql, input),
} satisfies MutationResolvers<CatalogContext>;

function tellTooManyTags(error: unknown): never {
  const failure = classifyDatabaseError(error);
  if (failure.kind === "constraint" && failure.constraint === "product_tags_count")
    throw badInput("input.tagsToAdd", "a product may have 50 tags at most");
  throw error;
}

function unknownProduct(id: string) {
  const productId = quoteId(id);
  return { __typename: "UnknownProduct" as const, message: `There is no product "${productId}".`, productId };
}
