/**
 * Goal: a schema that cannot be split is refused with its reason. Method: a table of changes to a schema that
 * can be.
 */
import { expect, test } from "vitest";
import { BRANCH_SDL } from "../../fixture/branch-service.ts";
import { librarySupergraph } from "../../fixture/library.ts";
import { readSupergraph } from "../../ground/supergraph.ts";
import { brokenPartitionRules } from "./partition-rules.ts";
import { partitionedGraphs } from "./partition-spec.ts";

function broken(from: string, to: string): string[] {
  expect(BRANCH_SDL).toContain(from);
  return brokenPartitionRules(readSupergraph(librarySupergraph(BRANCH_SDL.replace(from, to))), "BRANCH");
}

test("the library's schema breaks no rule, and only its branches are partitioned", () => {
  const supergraph = readSupergraph(librarySupergraph());
  expect(partitionedGraphs(supergraph)).toEqual(["BRANCH"]);
  expect(brokenPartitionRules(supergraph, "BRANCH")).toEqual([]);
});

const ALL_READERS = 'Query.allReaders of the partitioned subgraph "branch"';

test.each([
  [
    'branch(id: ID!): Branch @partition(by: "id")',
    "branch(id: ID!): Branch",
    'Query.branch of the partitioned subgraph "branch" needs @partition(by:), @gather or @merge',
  ],
  [
    'greet(input: GreetInput!): Reader @partition(by: "input.readerId")',
    "greet(input: GreetInput!): Reader",
    'Mutation.greet of the partitioned subgraph "branch" needs @partition(by:), @gather or @merge',
  ],
  [
    "branches: [Branch]! @gather",
    "branches: [Branch!]! @gather",
    'Query.branches of the partitioned subgraph "branch" has @gather, so it must be a list of nullable elements',
  ],
  [
    "branches: [Branch]! @gather",
    "branches: Branch @gather",
    'Query.branches of the partitioned subgraph "branch" has @gather, so it must be a list of nullable elements',
  ],
  [
    'greet(input: GreetInput!): Reader @partition(by: "input.readerId")',
    "greet(input: GreetInput!): [Reader] @gather",
    'Mutation.greet of the partitioned subgraph "branch" changes something, so @gather cannot be on it',
  ],
  [
    "branches: [Branch]! @gather",
    'branches: [Branch]! @gather @merge(missing: "missingBranches")',
    'Query.branches of the partitioned subgraph "branch" cannot have both @gather and @merge',
  ],
  [
    'greet(input: GreetInput!): Reader @partition(by: "input.readerId")',
    'greet(first: Int = 1, after: String): ReaderConnection @merge(missing: "missingBranches")',
    'Mutation.greet of the partitioned subgraph "branch" changes something, so @merge cannot be on it',
  ],
  [
    "first: Int = 4",
    "first: Int",
    `${ALL_READERS} has @merge, so it must have an argument \`first: Int\` with a default`,
  ],
  [
    "after: String, orderBy",
    "after: ID, orderBy",
    `${ALL_READERS} has @merge, so it must have an argument \`after: String\``,
  ],
  [
    "ReaderConnection\n    @merge",
    "ReaderConnection!\n    @merge",
    `${ALL_READERS} has @merge, so it must be a nullable connection`,
  ],
  [
    '@merge(missing: "missingBranches")',
    '@merge(missing: "missing")',
    `${ALL_READERS} has @merge, so ReaderConnection must have a field "missing"`,
  ],
  [
    "totalCount: Int",
    "totalCount: Int!",
    `${ALL_READERS} has @merge, but ReaderConnection.totalCount cannot be Int!`,
  ],
  [
    "missingBranches: [ID!]!",
    "missingBranches: [ID!]!\n  averageName: String",
    `${ALL_READERS} has @merge, but pages cannot be merged with the field ReaderConnection.averageName`,
  ],
  [
    "cursor: String!",
    "cursor: ID!",
    `${ALL_READERS} has @merge, so ReaderConnection.edges must be objects with a field "cursor: String!"`,
  ],
  [
    "hasPreviousPage: Boolean!",
    "hasPreviousPage: Boolean",
    `${ALL_READERS} has @merge, but pages cannot be merged with PageInfo.hasPreviousPage: Boolean`,
  ],
  [
    "endCursor: String\n",
    "",
    `${ALL_READERS} has @merge, so PageInfo must have hasNextPage, hasPreviousPage, startCursor, endCursor`,
  ],
  [
    '@partition(by: "filter.at.branch")',
    '@partition(by: "filter.at.town")',
    'Query.findReaders of the partitioned subgraph "branch" has no argument "filter.at.town" to route by',
  ],
  [
    '@partition(by: "filter.at.branch")',
    '@partition(by: "filter.at")',
    'Query.findReaders of the partitioned subgraph "branch" has no argument "filter.at" to route by',
  ],
  [
    'type Reader @key(fields: "id") @partition(by: "id")',
    'type Reader @key(fields: "id")',
    'The entity Reader of the partitioned subgraph "branch" needs @partition(by:)',
  ],
  [
    '@partition(by: "branch.id")',
    '@partition(by: "branch")',
    'The entity Copy is partitioned by "branch", which is not in its key',
  ],
  [
    "bestFriend: Reader @crosses",
    "bestFriend: Reader! @crosses",
    "Reader.bestFriend has @crosses, so it must be nullable, or a list of nullable elements",
  ],
  [
    "minutes: Int!",
    "minutes: Int @crosses",
    "Visit.minutes has @crosses, but Int is not an entity with @partition",
  ],
])("%s → %s", (from, to, problem) => {
  expect(broken(from, to)).toContain(problem);
});

test("the directives are found under other names, and another spec's are not ours", () => {
  const renamed = BRANCH_SDL.replace('"@gather"', '{ name: "@gather", as: "@everywhere" }').replaceAll(
    "@gather",
    "@everywhere",
  );
  const link = renamed.replace('{ name: "@everywhere"', '{ name: "@gather"');
  const supergraph = readSupergraph(librarySupergraph(link));
  const others = { partition: "partition", merge: "merge", crosses: "crosses" };
  expect(supergraph.names).toEqual({ ...others, gather: "everywhere" });
  expect(brokenPartitionRules(supergraph, "BRANCH")).toEqual([]);

  const foreign = readSupergraph(
    librarySupergraph(
      BRANCH_SDL.replaceAll("https://teranga.dev/partition/", "https://example.com/partition/"),
    ),
  );
  expect(partitionedGraphs(foreign)).toEqual([]);
});
