/**
 * Merged pages, the answering side. Each partition's page is in order, so the merged page takes the first of
 * all heads, again and again, until it has as many rows as were asked for.
 */
import { parsePageSize } from "@teranga/kit/graphql/connection.ts";
import { cursorBytes } from "@teranga/kit/graphql/cursor.ts";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import {
  type AnsweredPart,
  emptyObject,
  errorAt,
  isObject,
  type JsonObject,
  ownValue,
  type PartAnswer,
  setOwn,
} from "../../ground/answer.ts";
import { limitErrors } from "../../ground/service-errors.ts";
import type { PageInfoField, PagePart, PagePlan } from "./merge-plan.ts";
import {
  BEGINNING,
  BEHIND_MAX,
  type MergePosition,
  parseMergePosition,
  positionAfter,
  printMergePosition,
} from "./merge-position.ts";
import { type PartitionRun, pathWithoutTokens } from "./partition-run.ts";

/** The rows that a client asks for. */
export interface Window {
  first: number;
  start: MergePosition;
}

/** A partition's page as the client asked for it, with the cursors of its rows. */
interface Page {
  partition: string;
  data: JsonObject;
  cursors: string[];
  hasNextPage: boolean;
}

/** A row of the merged page. */
interface MergedRow {
  page: Page;
  index: number;
  /** The cursor of a page that begins after this row. */
  cursor: string;
}

interface MergedRows {
  rows: MergedRow[];
  hasNextPage: boolean;
  /** The cursor of the last row. For an empty page, the position where it began. */
  endCursor: string | null;
}

/** A partition's answer to a merged field. */
export interface PartOfMerge {
  partition: string;
  answer: PartAnswer;
}

export interface Merged {
  value: JsonObject | null;
  errors: GraphQLFormattedError[];
}

export type AskedWindow = { kind: "found"; window: Window } | { kind: "refused"; error: GraphQLError };

/** Checks a merged field's arguments before any partition is asked. */
export function windowOf(first: unknown, after: unknown): AskedWindow {
  try {
    const size = parsePageSize(typeof first === "number" ? first : null);
    const start = typeof after === "string" ? parseMergePosition(after) : BEGINNING;
    return { kind: "found", window: { first: size, start } };
  } catch (error) {
    if (error instanceof GraphQLError) return { kind: "refused", error };
    throw error;
  }
}

/** A partition's page. Undefined if its answer has no complete one. */
function pageOf({ data }: AnsweredPart, responseName: string, plan: PagePlan): JsonObject | undefined {
  const page = data === null ? undefined : ownValue(data, responseName);
  if (!isObject(page)) return undefined;
  const edges = ownValue(page, plan.edgesToken);
  const pageInfo = ownValue(page, plan.pageInfoToken);
  if (!isObject(pageInfo) || typeof ownValue(pageInfo, "hasNextPage") !== "boolean") return undefined;
  if (!Array.isArray(edges) || !edges.every(hasCursor)) return undefined;
  const lists = [...plan.parts].filter(([name, { kind }]) => kind === "edges" && Object.hasOwn(page, name));
  const areWhole = lists.every(([name]) => isListOf(page[name], edges.length));
  return areWhole ? page : undefined;
}

const hasCursor = (edge: unknown) => isObject(edge) && typeof ownValue(edge, "cursor") === "string";
const isListOf = (value: unknown, length: number) =>
  Array.isArray(value) && value.length === length && value.every(isObject);

/** Whether an answer has a page of the field, or an error that explains why not. */
export function hasPage(answer: AnsweredPart, responseName: string, plan: PagePlan): boolean {
  return answer.errors.some(isAbout(responseName)) || pageOf(answer, responseName, plan) !== undefined;
}

/** Merges the partitions' pages of one field. @param parts in the topology's order, one for each partition */
export function mergePages(
  responseName: string,
  plan: PagePlan,
  window: Window,
  parts: readonly PartOfMerge[],
  run: PartitionRun,
): Merged {
  const pages: Page[] = [];
  const missing = new Set<string>();
  for (const { partition, answer } of parts) {
    const data = answer.kind === "answered" ? pageOf(answer, responseName, plan) : undefined;
    if (data) pages.push(toPage(partition, data, plan));
    else missing.add(partition);
  }
  const refusals = missingErrors(responseName, parts, missing);
  const isRefused = refusals.some(({ extensions }) => extensions?.code === "BAD_USER_INPUT");
  const behind = new Set([...missing, ...window.start.behind.keys()]);
  // All partitions got the same arguments, so what one of them refuses is refused.
  if (pages.length === 0 || isRefused || behind.size > BEHIND_MAX) return { value: null, errors: refusals };
  const merged = mergeRows(pages, window, missing, run.partitionIds);
  const value = emptyObject();
  for (const name of Object.keys(pages[0]!.data)) {
    if (name === plan.edgesToken || name === plan.pageInfoToken) continue;
    const part = plan.parts.get(name);
    value[name] = part ? mergedPart(name, part, pages, merged, window, missing) : pages[0]!.data[name];
  }
  return {
    value,
    errors: [...refusals, ...pageErrors(responseName, plan, parts, missing, merged.rows, run)],
  };
}

function toPage(partition: string, data: JsonObject, { edgesToken, pageInfoToken }: PagePlan): Page {
  const cursors = (data[edgesToken] as { cursor: string }[]).map(({ cursor }) => cursor);
  const { hasNextPage } = data[pageInfoToken] as { hasNextPage: boolean };
  return { partition, data, cursors, hasNextPage };
}

function mergeRows(
  pages: readonly Page[],
  { first, start }: Window,
  missing: ReadonlySet<string>,
  partitionIds: readonly string[],
): MergedRows {
  const heads = pages.map((page): Head => ({ page, index: 0, bytes: bytesAt(page, 0) }));
  const rows: MergedRow[] = [];
  while (rows.length < first) {
    const head = firstOf(heads);
    if (!head) break;
    const { page, index } = head;
    const position = positionAfter(start, page.cursors[index]!, partitionIds, missing);
    rows.push({ page, index, cursor: printMergePosition(position)! });
    head.index++;
    head.bytes = bytesAt(page, head.index);
  }
  const hasNextPage = heads.some(({ page, index }) => page.hasNextPage || index < page.cursors.length);
  const endCursor = rows.at(-1)?.cursor ?? (missing.size > 0 ? printMergePosition(start) : null);
  return { rows, hasNextPage, endCursor };
}

/** The first row of a page that is not taken yet. */
interface Head {
  page: Page;
  index: number;
  /** The bytes of its cursor. Undefined after the last row. */
  bytes: Buffer | undefined;
}

function bytesAt({ cursors }: Page, index: number): Buffer | undefined {
  return index < cursors.length ? cursorBytes(cursors[index]!) : undefined;
}

/**
 * The head whose row comes first. Looking at all heads for each row costs less than reading their answers
 * did.
 */
function firstOf(heads: readonly Head[]): Head | undefined {
  let found: Head | undefined;
  for (const head of heads) {
    if (head.bytes && (!found || Buffer.compare(head.bytes, found.bytes!) < 0)) found = head;
  }
  return found;
}

function mergedPart(
  name: string,
  part: PagePart,
  pages: readonly Page[],
  { rows, hasNextPage, endCursor }: MergedRows,
  { start }: Window,
  missing: ReadonlySet<string>,
): unknown {
  switch (part.kind) {
    case "edges":
      return rows.map(({ page, index, cursor }) => {
        const edge = (page.data[name] as JsonObject[])[index]!;
        for (const cursorName of part.cursors) {
          if (Object.hasOwn(edge, cursorName)) setOwn(edge, cursorName, cursor);
        }
        return edge;
      });
    case "pageInfo": {
      const startCursor = rows[0]?.cursor ?? null;
      const pageInfo = { hasNextPage, hasPreviousPage: start.at !== null, startCursor, endCursor };
      return renamed(pages[0]!.data[name], part.fields, pageInfo);
    }
    case "totalCount":
      return missing.size > 0 ? null : totalOf(pages.map(({ data }) => ownValue(data, name)));
    case "complete":
      return missing.size === 0;
    case "missing":
      return [...missing];
    default:
      return part satisfies never;
  }
}

function renamed(
  asked: unknown,
  fields: ReadonlyMap<string, PageInfoField>,
  pageInfo: Record<PageInfoField, unknown>,
): unknown {
  if (!isObject(asked)) return asked;
  const entries = Object.entries(asked).map(([name, value]) => {
    const field = fields.get(name);
    return [name, field ? pageInfo[field] : value];
  });
  return Object.assign(emptyObject(), Object.fromEntries(entries));
}

/** Null if a partition could not count. */
function totalOf(counts: readonly unknown[]): number | null {
  const numbers = counts.filter((count) => typeof count === "number");
  return numbers.length === counts.length ? numbers.reduce((sum, count) => sum + count, 0) : null;
}

/** The errors for the partitions without a page: each reason once, at the field. */
function missingErrors(
  responseName: string,
  parts: readonly PartOfMerge[],
  missing: ReadonlySet<string>,
): GraphQLFormattedError[] {
  const said = new Map<string, GraphQLFormattedError>();
  for (const { partition, answer } of parts) {
    if (!missing.has(partition)) continue;
    const errors = answer.kind === "failed" ? [answer.error] : answer.errors.filter(isAbout(responseName));
    for (const error of errors) {
      const located = errorAt(error, [responseName]);
      said.set(JSON.stringify(located), located);
    }
  }
  return limitErrors(said.values());
}

/** An error without a path concerns the whole request. */
const isAbout =
  (responseName: string) =>
  ({ path }: GraphQLFormattedError) =>
    !path?.length || path[0] === responseName;

/**
 * The errors inside pages, at the new places of their rows. Errors of rows that are on a later page are left
 * out.
 */
function* pageErrors(
  responseName: string,
  plan: PagePlan,
  parts: readonly PartOfMerge[],
  missing: ReadonlySet<string>,
  rows: readonly MergedRow[],
  run: PartitionRun,
): Generator<GraphQLFormattedError> {
  const places = new Map(rows.map(({ page, index }, place) => [`${page.partition} ${index}`, place]));
  for (const { partition, answer } of parts) {
    if (answer.kind === "failed" || missing.has(partition)) continue;
    for (const error of answer.errors) {
      const [field, name, index, ...rest] = pathWithoutTokens(error, run) ?? [];
      if (field !== responseName || name === undefined) continue;
      if (plan.parts.get(String(name))?.kind !== "edges") {
        yield errorAt(error, [responseName, name]);
        continue;
      }
      const place = places.get(`${partition} ${index}`);
      if (place !== undefined) yield errorAt(error, [responseName, name, place, ...rest]);
    }
  }
}
