/**
 * Goal: clients cannot tell that rows are spread. Method: random operations, asked of the gateway over three
 * partitions, of the partition proxy over the same, and of one service that holds all rows. The answers must
 * be equal. fast-check prints the seed of a failure.
 */
import { encodeCursor } from "@teranga/kit/graphql/cursor.ts";
import type { RunningServer } from "@teranga/kit/http/listen.ts";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CREDENTIAL, startBranchService } from "./fixture/branch-service.ts";
import { type Answer, ask, Library, libraryTopology, log } from "./fixture/library.ts";
import { BRANCH_IDS, EVENTS, READERS } from "./fixture/rows.ts";
import { startPartitionProxy } from "./proxy/partition-proxy.ts";

/** `TEST_RUNS=1000` is a long run. */
const RUNS = Number(process.env.TEST_RUNS ?? 75);

let library: Library;
/** The same for routers that send their operations to one endpoint. */
let proxy: RunningServer;
let whole: RunningServer;
beforeAll(async () => {
  library = await Library.start();
  proxy = await startPartitionProxy({
    subgraph: "branch",
    topology: libraryTopology(Object.fromEntries(BRANCH_IDS.map((id) => [id, [urlOf(library, id)]])), [
      urlOf(library, "books"),
    ]),
    credential: CREDENTIAL,
    port: 0,
    log,
  });
  whole = await startBranchService({ owned: BRANCH_IDS, log });
});
afterAll(async () => {
  await proxy.close();
  await library.close();
  await whole.close();
});

const urlOf = (services: Library, name: string) => `http://127.0.0.1:${services.portOf(name)}/graphql`;

/** What can be asked of each type: plain fields, fields with the type they lead to, and fragments. */
const TYPES: Record<string, { plain: string[]; to: Record<string, string>; on?: string[] }> = {
  Branch: {
    plain: ["id", "name", "__typename"],
    to: { "readers(first: 2)": "Reader", events: "Event", activity: "Activity" },
  },
  Reader: {
    plain: ["id", "name", "greetings", "secret"],
    to: { home: "Branch", bestFriend: "Reader", friends: "Reader", events: "Event" },
  },
  Event: { plain: ["id", "__typename"], to: { by: "Reader", at: "Branch" }, on: ["Loan", "Visit"] },
  Activity: { plain: ["__typename"], to: {}, on: ["Loan", "Visit", "Event"] },
  Loan: { plain: ["id"], to: { by: "Reader", at: "Branch", copy: "Copy", book: "Book" } },
  Visit: { plain: ["id", "minutes"], to: { by: "Reader", at: "Branch" } },
  Copy: { plain: ["count"], to: { branch: "Branch", book: "Book", lentTo: "Reader" } },
  Book: { plain: ["isbn"], to: {} },
  ReaderConnection: {
    plain: ["totalCount", "complete", "missingBranches", "__typename"],
    to: { edges: "ReaderEdge", pageInfo: "PageInfo" },
    on: ["ReaderConnection"],
  },
  ReaderEdge: { plain: ["cursor"], to: { node: "Reader" }, on: ["ReaderEdge"] },
  PageInfo: {
    plain: ["hasNextPage", "hasPreviousPage", "startCursor", "endCursor", "__typename"],
    to: {},
    on: ["PageInfo"],
  },
};

const DEPTH = 4;
const condition = fc.constantFrom(
  "",
  "",
  "",
  "@include(if: $yes)",
  "@skip(if: $yes)",
  "@include(if: $no)",
  "@skip(if: $no)",
);

/**
 * A field under its own name or an alias. The alias depends only on the field, so that two equal fields
 * always merge.
 */
function field(text: string, selections: fc.Arbitrary<string> = fc.constant("")): fc.Arbitrary<string> {
  const name = /^\w+/.exec(text)![0];
  const alias = fc.constantFrom("", `_${name}: `, `crossing_${name}: `);
  return fc.tuple(alias, condition, selections).map(([as, when, below]) => `${as}${text} ${when} ${below}`);
}

function selectionSet(type: string, depth: number): fc.Arbitrary<string> {
  const { plain, to, on = [] } = TYPES[type]!;
  const choices = plain.map((name) => field(name));
  if (depth > 0) {
    for (const [text, target] of Object.entries(to))
      choices.push(field(text, selectionSet(target, depth - 1)));
    for (const target of on) {
      const below = selectionSet(target, depth - 1);
      choices.push(fc.tuple(condition, below).map(([when, text]) => `... on ${target} ${when} ${text}`));
    }
  }
  const one = fc.oneof(...choices);
  return fc.array(one, { minLength: 1, maxLength: 3 }).map((selections) => `{ ${selections.join(" ")} }`);
}

const readerId = fc.constantFrom(...READERS.map(({ id }) => id), "south:99");
const eventId = fc.constantFrom(...EVENTS.map(({ id }) => id));
const branchId = fc.constantFrom(...BRANCH_IDS);

/** A page in one of the orders, after one of the rows or from the beginning. */
const page = fc
  .tuple(
    fc.constantFrom("NAME_ASC", "NAME_DESC", "NUMBER_DESC"),
    fc.integer({ min: 1, max: 13 }),
    fc.option(fc.constantFrom(...READERS)),
  )
  .map(([orderBy, first, row]) => {
    const byNumber = orderBy === "NUMBER_DESC";
    const key = row && (byNumber ? Number(row.id.at(-1)) : row.name);
    const direction = orderBy.endsWith("DESC") ? "desc" : "asc";
    const after = row && JSON.stringify(encodeCursor(orderBy, { key: key!, id: row.id }, direction));
    return `orderBy: ${orderBy}, first: ${first}, after: ${after}`;
  });

/** A root field. Its alias depends on its position. */
const rootField = fc.oneof(
  fc.tuple(readerId, selectionSet("Reader", DEPTH)).map(([id, below]) => `reader(id: "${id}") ${below}`),
  selectionSet("Reader", DEPTH).map((below) => `reader(id: $reader) ${below}`),
  fc.tuple(eventId, selectionSet("Event", DEPTH)).map(([id, below]) => `event(id: "${id}") ${below}`),
  fc.tuple(branchId, selectionSet("Branch", DEPTH)).map(([id, below]) => `branch(id: "${id}") ${below}`),
  selectionSet("Branch", DEPTH - 1).map((below) => `branches ${below}`),
  fc
    .tuple(page, selectionSet("ReaderConnection", DEPTH))
    .map(([args, below]) => `allReaders(${args}) ${below}`),
  selectionSet("Reader", DEPTH - 1).map(
    (below) => `findReaders(filter: { at: { branch: $branch }, name: "3" }) ${below}`,
  ),
);

const operation = fc.array(rootField, { minLength: 1, maxLength: 3 }).map((fields) => {
  const aliased = fields.map((text, index) => `r${index}: ${text}`);
  // Every variable is used, as validation requires.
  const uses = `__typename @include(if: $yes) @skip(if: $no) reader(id: $reader) { id } findReaders(filter: { at: { branch: $branch } }) { id }`;
  return `query ($yes: Boolean!, $no: Boolean!, $reader: ID!, $branch: ID!) { ${uses} ${aliased.join(" ")} }`;
});

/**
 * What is rare in random operations: errors and crossings in rows of a page that move when pages are merged.
 */
const EXAMPLES: [string, string, string][] = [
  [
    `query ($reader: ID!, $branch: ID!) {
      allReaders(orderBy: NUMBER_DESC, first: 7) {
        own: edges { node { secret bestFriend { name secret } } } ...Page edges { at: cursor }
      }
      reader(id: $reader) { id } findReaders(filter: { at: { branch: $branch } }) { id }
    }
    fragment Page on ReaderConnection { pageInfo { next: hasNextPage endCursor } edges { node { friends { secret } } } }`,
    "north:1",
    "south",
  ],
  [
    `query ($reader: ID!, $branch: ID!) {
      reader(id: $reader) { id } findReaders(filter: { at: { branch: $branch } }) { id }
      branches { events { by { secret greetings } by { secret } by { name } } }
    }`,
    "north:1",
    "north",
  ],
];

const errorsOf = ({ errors = [] }: Answer) =>
  errors.map(({ path, message, extensions }) => `${path?.join(".")}: ${extensions.code} ${message}`).sort();

test("partitions together answer like one service that holds everything", async () => {
  let crossed = 0;
  await fc.assert(
    fc.asyncProperty(operation, readerId, branchId, async (query, reader, branch) => {
      const variables = { yes: true, no: false, reader, branch };
      library.requests = [];
      const credential = { authorization: `Bearer ${CREDENTIAL}` };
      const [split, one, proxied] = await Promise.all([
        library.ask(query, variables),
        ask(whole.url, query, variables, credential),
        ask(proxy.url, query, variables, credential),
      ]);
      if (library.requests.some(({ operation: sent }) => sent.includes("_entities"))) crossed++;
      expect(split.data).toEqual(one.data);
      expect(errorsOf(split)).toEqual(errorsOf(one));
      expect(proxied.data).toEqual(one.data);
      expect(errorsOf(proxied)).toEqual(errorsOf(one));
    }),
    { numRuns: RUNS, examples: EXAMPLES },
  );
  // Operations that never leave their partition would prove little. Under 12 seeds 30 of 75 left it, or more.
  expect(crossed).toBeGreaterThan(RUNS / 3);
});
