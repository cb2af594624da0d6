/**
 * Where a merged page begins: a position for each partition. Usually all partitions have the same one, and
 * then a merged list's cursor is the cursor of the row's own partition, as short with 1,024 partitions as
 * with one. Partitions that are behind, because they did not answer when the others moved on, are listed
 * after it: `<cursor>.<id>,<id>:<cursor>`. The second cursor is empty if they start at the beginning. So no
 * row is skipped while its partition is away.
 */
import {
  CURSOR_LENGTH_MAX,
  cursorBytes,
  looksLikeCursor,
  notOfThisList,
} from "@teranga/kit/graphql/cursor.ts";

/** Null is before the first row. */
export type RowPosition = string | null;

export interface MergePosition {
  /** The furthest position: that of every partition that is not behind. */
  at: RowPosition;
  /** By partition. */
  behind: ReadonlyMap<string, RowPosition>;
}

export const BEGINNING: MergePosition = { at: null, behind: new Map() };

/**
 * A longer list would make each row's cursor longer than the row. If more cities than this are away at once,
 * paging through a list over all of them is of no use.
 */
export const BEHIND_MAX = 64;
/** A partition's id has 63 characters at most. */
const ID = /^[a-z][a-z0-9-]{0,62}$/;
const TEXT_LENGTH_MAX = (CURSOR_LENGTH_MAX + 66) * (BEHIND_MAX + 1);

/** @throws GraphQLError BAD_USER_INPUT, which names `after` */
export function parseMergePosition(text: string): MergePosition {
  if (text.length > TEXT_LENGTH_MAX) throw notOfThisList();
  const [at = "", ...groups] = text.split(".");
  if (!looksLikeCursor(at)) throw notOfThisList();
  const behind = new Map<string, RowPosition>();
  for (const group of groups) {
    const [ids = "", cursor = "", ...rest] = group.split(":");
    if (rest.length > 0 || (cursor !== "" && !looksLikeCursor(cursor))) throw notOfThisList();
    for (const id of ids.split(",")) {
      if (!ID.test(id)) throw notOfThisList();
      behind.set(id, cursor === "" ? null : cursor);
    }
  }
  if (behind.size > BEHIND_MAX) throw notOfThisList();
  return { at, behind };
}

/** The cursor; null for the beginning. */
export function printMergePosition({ at, behind }: MergePosition): string | null {
  const groups = Map.groupBy(behind.keys(), (id) => behind.get(id) ?? "");
  const texts = Array.from(groups, ([cursor, ids]) => `.${ids.join(",")}:${cursor}`);
  return at === null ? null : at + texts.join("");
}

/**
 * Where a partition's part begins. A partition that has joined the topology since begins where the others
 * are.
 */
export function positionOf({ at, behind }: MergePosition, partition: string): RowPosition {
  return behind.has(partition) ? behind.get(partition)! : at;
}

/**
 * The position after a row of a page. Partitions that answered have given all their rows up to this one. The
 * others stay where the page began.
 * @param row the row's own cursor
 */
export function positionAfter(
  start: MergePosition,
  row: string,
  partitionIds: readonly string[],
  missing: ReadonlySet<string>,
): MergePosition {
  if (start.behind.size === 0 && missing.size === 0) return { at: row, behind: start.behind };
  const at = further(start.at, row);
  const behind = new Map<string, RowPosition>();
  for (const id of partitionIds) {
    const from = positionOf(start, id);
    const position = missing.has(id) ? from : further(from, row);
    if (position !== at) behind.set(id, position);
  }
  return { at, behind };
}

function further(one: RowPosition, row: string): string {
  return one !== null && Buffer.compare(cursorBytes(one), cursorBytes(row)) > 0 ? one : row;
}
