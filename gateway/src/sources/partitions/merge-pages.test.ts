/**
 * Goal: a merged list has every row once, in order, whatever is down meanwhile. Method: partitions that are
 * lists in memory, pages of random sizes after random rows, and random outages, compared with one sorted
 * list.
 */
import { cursorBytes, decodeCursor, encodeCursor } from "@teranga/kit/graphql/cursor.ts";
import { badInput } from "@teranga/kit/graphql/errors.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { librarySupergraph } from "../../fixture/library.ts";
import { readSupergraph } from "../../ground/supergraph.ts";
import { createAnswerBudget } from "../answer-budget.ts";
import { noAnswer } from "../source.ts";
import { fetchRootFields } from "./field-fetch.ts";
import { BEHIND_MAX } from "./merge-position.ts";
import { planOperation } from "./operation-plan.ts";
import type { PartitionRun } from "./partition-run.ts";
import { readPartitionSpec } from "./partition-spec.ts";

const spec = readPartitionSpec(readSupergraph(librarySupergraph()), "BRANCH");

interface Row {
  id: string;
  name: string;
}
/** Each partition's rows, in order. */
type Partitions = Record<string, Row[]>;

const cursorOf = ({ name, id }: Row) => encodeCursor("NAME_ASC", { key: name, id });
const inOrder = (rows: readonly Row[]) =>
  rows.toSorted((one, other) => Buffer.compare(cursorBytes(cursorOf(one)), cursorBytes(cursorOf(other))));

const LIST = `query ($first: Int, $after: String) {
  allReaders(first: $first, after: $after) {
    all: edges { position: cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount complete missingBranches
  }
}`;

interface Page {
  all: { position: string; node: { id: string } }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string };
  totalCount: number | null;
  complete: boolean;
  missingBranches: string[];
}

/** Asks for a page. @param asked notes which partition is asked, and after which row */
async function list(
  partitions: Partitions,
  variables: { first: number; after: string | null },
  down: readonly string[] = [],
  asked: [string, unknown][] = [],
) {
  const plan = planOperation(LIST, spec);
  if (plan.root.kind !== "fields") throw new Error("a list is a root field");
  const run: PartitionRun = {
    spec,
    operationName: undefined,
    partitionIds: Object.keys(partitions),
    partitionOf: (value) => value.split(":")[0]!,
    given: variables,
    variables,
    tokenNames: plan.tokenNames,
    budget: createAnswerBudget(),
    ask: async (partition, request) => {
      const after = request.variables?.merge_after_0;
      asked.push([partition, after]);
      if (down.includes(partition))
        return { kind: "failed", error: noAnswer({ subgraph: "branch", partition }) };
      return answerOf(partitions[partition]!, variables.first, after as string | null);
    },
  };
  const { data, errors } = await fetchRootFields(plan.root, plan.variables, run);
  return { page: data!.allReaders as Page | null, errors };
}

/** The answer of a partition. */
function answerOf(all: readonly Row[], first: number, after: string | null) {
  try {
    if (after !== null) decodeCursor(after, "NAME_ASC", "text");
  } catch {
    const error = badInput("after", "is not a cursor of this list");
    return { kind: "answered", data: { allReaders: null }, errors: [error.toJSON()] } as const;
  }
  const isAfter = (row: Row) =>
    after === null || Buffer.compare(cursorBytes(cursorOf(row)), cursorBytes(after)) > 0;
  const rows = all.filter(isAfter);
  const page = rows.slice(0, first).map((row) => ({ cursor: cursorOf(row), row }));
  const hasNextPage = rows.length > first;
  const allReaders = {
    all: page.map(({ cursor, row: { id } }) => ({ position: cursor, node: { id } })),
    pageInfo: { hasNextPage, hasPreviousPage: false, startCursor: "theirs", endCursor: "theirs" },
    totalCount: all.length,
    complete: true,
    missingBranches: [],
    merge_edges: page.map(({ cursor }) => ({ cursor })),
    merge_pageInfo: { hasNextPage },
  };
  return { kind: "answered", data: { allReaders }, errors: [] } as const;
}

const PARTITIONS = ["a", "ab", "a-b", "b"];

/** Names with ties, prefixes of one another, and characters that UTF-16 sorts differently from UTF-8. */
const name = fc.string({ unit: fc.constantFrom("a", "é", "\uffff", "😀"), maxLength: 2 });
const partitions = fc
  .array(fc.tuple(fc.constantFrom(...PARTITIONS), name), { maxLength: 30 })
  .map((rows): Partitions => {
    const all = rows.map(([partition, rowName], index) => ({ id: `${partition}:${index}`, name: rowName }));
    return Object.fromEntries(
      PARTITIONS.map((id) => [id, inOrder(all.filter((row) => row.id.startsWith(`${id}:`)))]),
    );
  });

test("pages have every row once and in order", async () => {
  await fc.assert(
    fc.asyncProperty(partitions, fc.integer({ min: 1, max: 7 }), async (rows, first) => {
      const expected = inOrder(Object.values(rows).flat()).map(({ id }) => id);
      const got: string[] = [];
      for (let after: string | null = null, pages = 0; ; pages++) {
        const page: Page = (await list(rows, { first, after })).page!;
        got.push(...page.all.map(({ node }) => node.id));
        expect(page).toMatchObject({ complete: true, missingBranches: [], totalCount: expected.length });
        expect(page.pageInfo).toMatchObject({
          hasNextPage: got.length < expected.length,
          hasPreviousPage: pages > 0,
          startCursor: page.all[0]?.position ?? null,
          endCursor: page.all.at(-1)?.position ?? null,
        });
        if (!page.pageInfo.hasNextPage) break;
        after = page.pageInfo.endCursor;
      }
      expect(got).toEqual(expected);
    }),
    { numRuns: 150 },
  );
});

/**
 * A page: the number of rows, which partitions are down, and after which of its rows the client continues.
 */
const step = fc.record({
  first: fc.integer({ min: 1, max: 7 }),
  down: fc.subarray(PARTITIONS, { maxLength: 3 }),
  goOnAt: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
});

test("rows of partitions that were down come later, once, from whichever row a client goes on", async () => {
  await fc.assert(
    fc.asyncProperty(partitions, fc.array(step, { maxLength: 8 }), async (rows, steps) => {
      const expected = Object.values(rows).flat();
      const got: string[] = [];
      let after: string | null = null;
      const pagesMax = steps.length + expected.length + 1;
      for (let index = 0; index < pagesMax; index++) {
        const { first, down, goOnAt } = steps[index] ?? { first: 3, down: [], goOnAt: 0.999 };
        const { page, errors } = await list(rows, { first, after }, down);
        expect(page).toMatchObject({ complete: down.length === 0, missingBranches: down });
        expect(page!.totalCount).toBe(down.length === 0 ? expected.length : null);
        expect(errors.map(({ path, extensions }) => [path, extensions?.branch])).toEqual(
          down.map((id) => [["allReaders"], id]),
        );
        const kept = page!.all.slice(0, Math.floor(goOnAt * page!.all.length) + 1);
        got.push(...kept.map(({ node }) => node.id));
        after = kept.at(-1)?.position ?? page!.pageInfo.endCursor ?? after;
        if (!steps[index] && !page!.pageInfo.hasNextPage) break;
      }
      expect(got.toSorted()).toEqual(expected.map(({ id }) => id).sort());
    }),
    { numRuns: 300 },
  );
});

const three: Partitions = {
  a: [{ id: "a:1", name: "1" }],
  b: [{ id: "b:1", name: "2" }],
  c: [{ id: "c:1", name: "3" }],
};

test("a cursor is the row's own, and longer only while a partition is behind", async () => {
  const whole = await list(three, { first: 2, after: null });
  expect(whole.page!.pageInfo.endCursor).toBe(cursorOf(three.b![0]!));

  const without = await list(three, { first: 2, after: null }, ["a", "b"]);
  expect(without.page!.pageInfo.endCursor).toBe(`${cursorOf(three.c![0]!)}.a,b:`);
  const asked: [string, unknown][] = [];
  const next = await list(three, { first: 1, after: without.page!.pageInfo.endCursor }, ["b"], asked);
  const [a1, c1] = [cursorOf(three.a![0]!), cursorOf(three.c![0]!)];
  expect(asked).toEqual([
    ["a", null],
    ["b", null],
    ["c", c1],
  ]);
  expect(next.page!.pageInfo.endCursor).toBe(`${c1}.a:${a1}.b:`);
  const last = await list(three, { first: 5, after: next.page!.pageInfo.endCursor });
  expect(last.page!.all.map(({ node }) => node.id)).toEqual(["b:1"]);
  // Once all partitions have reached the furthest one, nothing of the outage is left.
  expect(
    (
      await list(
        { ...three, d: [{ id: "d:1", name: "4" }] },
        { first: 5, after: last.page!.pageInfo.endCursor },
      )
    ).page!.pageInfo.endCursor,
  ).toBe(encodeCursor("NAME_ASC", { key: "4", id: "d:1" }));
});

test("an empty page without some of the partitions says where to ask for them again", async () => {
  const after = cursorOf(three.c![0]!);
  const { page } = await list(three, { first: 2, after }, ["b"]);
  expect(page).toMatchObject({ all: [], pageInfo: { hasNextPage: false, endCursor: after } });
});

test.each([
  ["first", { first: 0, after: null }],
  ["first", { first: 101, after: null }],
  ["after", { first: 1, after: "" }],
  ["after", { first: 1, after: "not a cursor" }],
  ["after", { first: 1, after: `${cursorOf(three.a![0]!)}.A:` }],
  ["after", { first: 1, after: `${cursorOf(three.a![0]!)}.a:b:c` }],
  ["after", { first: 1, after: `${cursorOf(three.a![0]!)}.a:?` }],
  ["after", { first: 1, after: `.${Array.from({ length: BEHIND_MAX + 1 }, (_, n) => `c${n}`).join(",")}:` }],
])("nobody is asked with a bad %s: %j", async (field, variables) => {
  const asked: [string, unknown][] = [];
  const { page, errors } = await list(three, variables, [], asked);
  expect([page, asked]).toEqual([null, []]);
  expect(errors).toMatchObject([{ path: ["allReaders"], extensions: { code: "BAD_USER_INPUT", field } }]);
});

test("what the partitions refuse is refused once, whoever is down or behind", async () => {
  const forged = encodeCursor("NAME_DESC", { key: "1", id: "a:1" });
  const { page, errors } = await list(three, { first: 1, after: `${forged}.c:` });
  expect(page).toBeNull();
  expect(errors.map(({ extensions }) => extensions)).toEqual([{ code: "BAD_USER_INPUT", field: "after" }]);
});

test("nobody's page is no page", async () => {
  const { page, errors } = await list(three, { first: 1, after: null }, ["a", "b", "c"]);
  expect(page).toBeNull();
  expect(errors.map(({ path, extensions }) => [path, extensions?.branch])).toEqual(
    ["a", "b", "c"].map((id) => [["allReaders"], id]),
  );
});

test("with more partitions down than a cursor can carry there is no page", async () => {
  const ids = Array.from({ length: BEHIND_MAX + 2 }, (_, index) => `p${index}`);
  const many: Partitions = Object.fromEntries(ids.map((id) => [id, [{ id: `${id}:1`, name: id }]]));
  expect((await list(many, { first: 1, after: null }, ids.slice(2))).page!.missingBranches).toHaveLength(
    BEHIND_MAX,
  );
  expect((await list(many, { first: 1, after: null }, ids.slice(1))).page).toBeNull();
});
