/** A person's choice among the values of a conflict. */
import { badInput } from "@teranga/kit/graphql/errors.ts";
import { seeOutcome } from "@teranga/kit/graphql/mutation-outcome.ts";
import type { Sql } from "@teranga/kit/postgres/database.ts";
import type { ResolveConflictInput } from "@teranga/schema/generated/catalog.ts";
import { parseFieldValue } from "../input.ts";
import { type ConflictRow, type Json, parseConflictId, valueIfChosen, versionId } from "../merge/conflict.ts";
import { nameTaken, writeNamed } from "../name-taken.ts";
import { quoteId } from "../product.ts";
import { findConflict } from "../sql/find-conflict.ts";
import { resolveConflict } from "../sql/resolve-conflict.ts";

/** Fields whose conflict tells something that no value of the field mends. */
const ELSEWHERE = new Map([
  ["name_key", "Rename one of the products with updateProduct."],
  ["deleted", "Delete the supplier with deleteSupplier."],
]);

export async function chooseValue(sql: Sql, input: ResolveConflictInput) {
  const given = [input.choose, input.chosenVersion, input.value].filter((each) => each != null);
  if (given.length !== 1) throw badInput("input", "needs exactly one of choose, chosenVersion and value");
  const key = parseConflictId(input.id);
  const conflict = key && (await findConflict(sql, key));
  if (!conflict) return unknownConflict(input.id);
  const elsewhere = ELSEWHERE.get(conflict.field);
  if (elsewhere) return versionGone(conflict, elsewhere);
  const chosen = chosenValue(conflict, input);
  if (!chosen) return versionGone(conflict, "The conflict has no such version.");
  const name = conflict.entity === "Product" && conflict.field === "name" ? String(chosen.value) : "";
  const written = await writeNamed(sql, name, () => resolveConflict(sql, conflict, chosen.value));
  if (written.kind === "taken") return nameTaken(written.by);
  const now = (await seeOutcome(() => findConflict(sql, key))) ?? conflict;
  switch (written.result) {
    case "DONE":
    case "SAME":
      return { __typename: "ConflictResolved" as const, conflict: now };
    case "ENDED": {
      const message = "Another value has followed since.";
      return { __typename: "ConflictEndedOtherwise" as const, message, conflict: now };
    }
    case "GONE":
      return versionGone(now, "What it is about is gone.");
    default:
      return written.result satisfies never;
  }
}

function chosenValue(conflict: ConflictRow, { choose, chosenVersion, value }: ResolveConflictInput) {
  if (value != null) return { value: parseFieldValue(conflict.field, value) as Json };
  const version = [conflict.winner, ...conflict.losers].find((version) =>
    choose != null ? versionId(version) === choose : version.node === chosenVersion,
  );
  return version && { value: valueIfChosen(version, conflict.winner) };
}

const versionGone = (conflict: ConflictRow, message: string) => ({
  __typename: "ConflictVersionGone" as const,
  message,
  conflict,
});

function unknownConflict(id: string) {
  const conflictId = quoteId(id);
  return {
    __typename: "UnknownConflict" as const,
    message: `There is no conflict "${conflictId}".`,
    conflictId,
  };
}
