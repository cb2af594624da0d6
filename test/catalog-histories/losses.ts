/**
 * Whether every value that was written is there, or was overwritten by somebody who knew it, or is in a
 * conflict.
 */
import { isDeepStrictEqual } from "node:util";
import type { NodeContent, Operation } from "./nodes.ts";

interface Version {
  node: string;
  sequence: number;
}

const hasSeen = (later: Operation, earlier: Operation) => (later.seen[earlier.node] ?? 0) >= earlier.sequence;

/** What was lost silently, or null. */
export function findLoss(content: NodeContent): string | null {
  const names = content.products.map((product) => product.name_key);
  const shared = names.length - new Set(names).size;
  if (content.conflicts.filter(({ strategy }) => strategy === "UNIQUE_NAME").length !== shared)
    return `a name is shared, or was, and that is told wrongly: ${JSON.stringify(content)}`;
  for (const operation of content.operations) {
    if (operation.kind === "DELETE") {
      if (!isTold(content, operation, "deleted") && isDeletionLost(content, operation))
        return `a deletion was lost: ${JSON.stringify(operation)}`;
      continue;
    }
    for (const [field, value] of Object.entries(operation.patch)) {
      if (
        isRelative(operation, field)
          ? !counts(content, operation, field)
          : !isKept(content, operation, field, value)
      )
        return `${field} was lost: ${JSON.stringify(operation)} of ${JSON.stringify(content)}`;
    }
  }
  return null;
}

const rowOf = ({ products, suppliers }: NodeContent, { entity, id }: Operation) =>
  (entity === "Product" ? products : suppliers).find((row) => row.id === id);

const sameRow = (a: { entity: unknown; id: unknown }, b: { entity: unknown; id: unknown }) =>
  a.entity === b.entity && a.id === b.id;

const laterOn = ({ operations }: NodeContent, earlier: Operation, field: string) =>
  operations.some((later) => sameRow(later, earlier) && field in later.patch && hasSeen(later, earlier));

function isTold({ conflicts }: NodeContent, operation: Operation, field: string): boolean {
  const is = ({ node, sequence }: Version) => node === operation.node && sequence === operation.sequence;
  return conflicts.some(
    (conflict) =>
      sameRow(conflict as never, operation) &&
      conflict.field === field &&
      (conflict.losers as Version[]).some(is),
  );
}

function isKept(content: NodeContent, operation: Operation, field: string, value: unknown): boolean {
  const row = rowOf(content, operation);
  return (
    isDeepStrictEqual(row?.[field], value) ||
    laterOn(content, operation, field) ||
    isTold(content, operation, field) ||
    isChangedBeside(content, operation, field) ||
    (!row && content.operations.some((other) => other.kind === "DELETE" && hasSeen(other, operation)))
  );
}

/**
 * What a number or a set was set to is not its value if somebody has changed it who did not know that.
 * Whoever has set it too, beside this one, has won or lost against it, and that must be told.
 */
function isChangedBeside(content: NodeContent, operation: Operation, field: string): boolean {
  const beside = content.operations.filter(
    (other) =>
      sameRow(other, operation) &&
      field in other.patch &&
      !hasSeen(operation, other) &&
      !hasSeen(other, operation),
  );
  const isExplained = (other: Operation) =>
    isDeepStrictEqual(other.patch[field], operation.patch[field]) ||
    laterOn(content, other, field) ||
    isTold(content, other, field);
  return (
    beside.some((other) => isRelative(other, field) && isIn(content, other, field)) &&
    beside.every((other) => isRelative(other, field) || isExplained(other))
  );
}

/**
 * Whether a change of a number or a set is in the value. A change of a set is told if what it removed was set
 * or added beside it. What it added is there all the same.
 */
function isIn(content: NodeContent, change: Operation, field: string): boolean {
  if (!isTold(content, change, field)) return true;
  const { add = [] } = change.patch[field] as { add?: string[] };
  const tags = rowOf(content, change)?.tags as string[] | undefined;
  return add.length > 0 && add.every((element) => tags?.includes(element));
}

const isDeletionLost = (content: NodeContent, deletion: Operation) =>
  content.operations.some(
    (other) =>
      sameRow(other, deletion) &&
      other.kind !== "DELETE" &&
      !hasSeen(deletion, other) &&
      !hasSeen(other, deletion),
  );

const isRelative = ({ kind, strategies }: Operation, field: string) =>
  kind === "EDIT" && ["ADD", "UNION"].includes(strategies[field] ?? "");

/** Whether a change of a number or a set counts, unless who has set it since knew of it. */
function counts(content: NodeContent, operation: Operation, field: string): boolean {
  const row = rowOf(content, operation);
  const of = content.operations.filter((other) => sameRow(other, operation) && field in other.patch);
  const [setter, ...others] = lastOf(of.filter((other) => !isRelative(other, field)));
  if (!row || isTold(content, operation, field)) return true;
  if (!setter || others.length > 0 || isTold(content, setter, field)) return true;
  const changes = of.filter(
    (other) => isRelative(other, field) && !hasSeen(setter, other) && !isTold(content, other, field),
  );
  if (!changes.includes(operation)) return true;
  if (field === "tags") {
    const { add } = operation.patch.tags as { add: string[] };
    const removed = (element: string) =>
      of.some(
        (other) =>
          hasSeen(other, operation) && (other.patch.tags as { remove?: string[] }).remove?.includes(element),
      );
    return add.every((element) => (row.tags as string[]).includes(element) || removed(element));
  }
  return (
    row.deliveries ===
    changes.reduce((sum, { patch }) => sum + (patch[field] as number), deliveriesOf(setter))
  );
}

const deliveriesOf = ({ patch }: Operation) => patch.deliveries as number;

/** Those that no other of them has seen. */
const lastOf = (operations: readonly Operation[]) =>
  operations.filter((one) => !operations.some((other) => other !== one && hasSeen(other, one)));
