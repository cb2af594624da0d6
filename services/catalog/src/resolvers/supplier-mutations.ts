import { parseInput } from "@teranga/kit/graphql/input.ts";
import { seeOutcome } from "@teranga/kit/graphql/mutation-outcome.ts";
import { classifyDatabaseError, type Sql } from "@teranga/kit/postgres/database.ts";
import { digest } from "@teranga/kit/process/digest.ts";
import type { MutationResolvers } from "@teranga/schema/generated/catalog.ts";
import type { CatalogContext } from "../context.ts";
import { createSupplierInput, recordDeliveriesInput, updateSupplierInput } from "../input.ts";
import { isPossibleId, quoteId } from "../product.ts";
import { createSupplier, type NewSupplier } from "../sql/create-supplier.ts";
import { deleteSupplier } from "../sql/delete-supplier.ts";
import { findSupplierCreation } from "../sql/find-supplier-creation.ts";
import { findSuppliers } from "../sql/find-suppliers.ts";
import { recordDeliveries } from "../sql/record-deliveries.ts";
import { updateSupplier } from "../sql/update-supplier.ts";

export const supplierMutations = {
  async createSupplier(_parent, args, { sql }) {
    const { idempotencyKey, ...given } = parseInput(createSupplierInput, args.input, "input");
    const { supplier, isSame } = await createOnce(sql, given, idempotencyKey);
    if (isSame) return { __typename: "SupplierCreated", supplier };
    const message = "The idempotency key stands for another supplier.";
    return { __typename: "SupplierKeyReused", message, supplier };
  },

  async updateSupplier(_parent, args, { sql }) {
    const { id, ...changes } = parseInput(updateSupplierInput, args.input, "input");
    const supplier = isPossibleId(id) ? await updateSupplier(sql, id, changes) : null;
    return supplier ? { __typename: "SupplierUpdated", supplier } : unknownSupplier(id);
  },

  async deleteSupplier(_parent, { input: { id } }, { sql }) {
    const isDeleted = isPossibleId(id) && (await deleteSupplier(sql, id));
    return isDeleted ? { __typename: "SupplierDeleted", supplierId: id } : unknownSupplier(id);
  },

  async recordDeliveries(_parent, args, { sql }) {
    const { supplierId, count, idempotencyKey } = parseInput(recordDeliveriesInput, args.input, "input");
    if (!isPossibleId(supplierId)) return unknownSupplier(supplierId);
    const recorded = await recordDeliveries(sql, supplierId, count, idempotencyKey);
    const [supplier] = await seeOutcome(() => findSuppliers(sql, [supplierId]));
    if (recorded === "GONE" || !supplier) return unknownSupplier(supplierId);
    if (recorded === "DONE") return { __typename: "DeliveriesRecorded", supplier };
    const message = "The idempotency key stands for another number of deliveries.";
    return { __typename: "DeliveriesKeyReused", message };
  },
} satisfies MutationResolvers<CatalogContext>;

/** The new supplier, or the earlier one of the key. */
async function createOnce(sql: Sql, supplier: NewSupplier, key: string | null) {
  const { name, email = null, phone = null } = supplier;
  const creation = key === null ? null : { key, hash: digest([name, email, phone]) };
  try {
    return { supplier: await createSupplier(sql, supplier, creation), isSame: true };
  } catch (error) {
    if (!creation || classifyDatabaseError(error).kind !== "constraint") throw error;
    const earlier = await seeOutcome(() => findSupplierCreation(sql, creation.key));
    if (!earlier) throw error;
    return { supplier: earlier.supplier, isSame: earlier.hash === creation.hash };
  }
}

export function unknownSupplier(id: string) {
  const supplierId = quoteId(id);
  return {
    __typename: "UnknownSupplier" as const,
    message: `There is no supplier "${supplierId}".`,
    supplierId,
  };
}
