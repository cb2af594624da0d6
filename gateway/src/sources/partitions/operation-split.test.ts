/**
 * Goal: an operation is split into the right operations. Method: a table of operations and of what each
 * partition gets.
 */
import { getOperationAST, parse } from "graphql";
import { expect, test } from "vitest";
import { librarySupergraph, libraryTopology } from "../../fixture/library.ts";
import { readSupergraph } from "../../ground/supergraph.ts";
import { createAnswerBudget } from "../answer-budget.ts";
import { type FetchedEntities, fetchEntities } from "./entity-fetch.ts";
import { fetchRootFields } from "./field-fetch.ts";
import { type OperationPlan, planOperation, planWeight } from "./operation-plan.ts";
import type { PartitionRun } from "./partition-run.ts";
import { readPartitionSpec } from "./partition-spec.ts";

const spec = readPartitionSpec(readSupergraph(librarySupergraph()), "BRANCH");
const urls = ["http://127.0.0.1:1/graphql"];
const placement = libraryTopology({ north: urls, south: urls, west: urls }, urls).placements.get("branch")!;

type Asked = unknown[];

/**
 * A run whose partitions answer nothing and note what they are asked. Empty variables are left out of the
 * notes.
 */
function startRun(
  plan: OperationPlan,
  { text, variables }: { text: string; variables: Record<string, unknown> },
  asked: Asked,
): PartitionRun {
  if (placement.kind !== "partitions") throw new Error("the branches are partitions");
  return {
    spec,
    operationName: getOperationAST(parse(text))?.name?.value,
    partitionIds: placement.partitions.map(({ id }) => id),
    partitionOf: placement.partitionOf,
    given: variables,
    variables: { ...plan.variables.defaults, ...variables },
    tokenNames: plan.tokenNames,
    budget: createAnswerBudget(),
    ask: async (partition, { query, variables: sent }) => {
      asked.push([partition, query, ...(Object.keys(sent ?? {}).length > 0 ? [sent] : [])]);
      return { kind: "answered", data: null, errors: [] };
    },
  };
}

/** Runs an operation. Returns what was asked, in order, and the errors. */
async function split(text: string, variables: Record<string, unknown> = {}) {
  const plan = planOperation(text, spec);
  const asked: Asked = [];
  const run = startRun(plan, { text, variables }, asked);
  if (plan.root.kind === "fields")
    return { asked, ...(await fetchRootFields(plan.root, plan.variables, run)) };
  const representations = variables.representations as Record<string, unknown>[];
  return { asked, ...(await fetchEntities(plan.root, representations, run)) };
}

/** The text that is sent for a merged list. */
const MERGED =
  "query ($merge_after_0:String){all:allReaders(first:2 after:$merge_after_0){edges{node{id}}...on ReaderConnection{totalCount}merge_edges:edges{cursor}merge_pageInfo:pageInfo{hasNextPage}}}";
const TOKENS = "_merge_edges:edges{cursor}_merge_pageInfo:pageInfo{hasNextPage}";

const ROWS: { name: string; text: string; variables?: Record<string, unknown>; asked: unknown[] }[] = [
  {
    name: "fields by literals, numbers among them; a value without an owner goes to the default partition",
    text: `{a:reader(id:"south:1"){name}b:reader(id:"north:1"){id}c:branch(id:5){id}}`,
    asked: [
      ["north", `query {b:reader(id:"north:1"){id} c:branch(id:5){id}}`],
      ["south", `query {a:reader(id:"south:1"){name}}`],
    ],
  },
  {
    name: "only the variables that a part mentions, and no default, which the text has",
    text: `query Q($a:ID="west:1"$b:ID!$n:Int){a:reader(id:$a){id}b:branch(id:$b){readers(first:$n){id}}}`,
    variables: { b: "south", n: 3 },
    asked: [
      ["south", "query Q($b:ID!,$n:Int){b:branch(id:$b){readers(first:$n){id}}}", { b: "south", n: 3 }],
      ["west", `query Q($a:ID="west:1"){a:reader(id:$a){id}}`],
    ],
  },
  {
    name: "a default of the schema's",
    text: "{reader{id}}",
    asked: [["north", "query {reader{id}}"]],
  },
  {
    name: "a value deep in an input object, half literal and half variable",
    text: `query($p:Place!){findReaders(filter:{at:$p,name:"x"}){id}}`,
    variables: { p: { branch: "SOUTH" } },
    asked: [
      ["south", `query ($p:Place!){findReaders(filter:{at:$p name:"x"}){id}}`, { p: { branch: "SOUTH" } }],
    ],
  },
  {
    name: "gathered fields go everywhere, each with what else its partition has",
    text: `{branches{id}reader(id:"west:2"){id}}`,
    asked: [
      ["north", "query {branches{id}}"],
      ["south", "query {branches{id}}"],
      ["west", `query {branches{id} reader(id:"west:2"){id}}`],
    ],
  },
  {
    name: "a merged list goes everywhere, with what it takes to merge it, from where each partition is",
    text: `query($after:String){all:allReaders(first:2,after:$after){edges{node{id}}...on ReaderConnection{totalCount}}}`,
    variables: { after: "AAAA.south:BBBB.west:" },
    asked: [
      ["north", MERGED, { merge_after_0: "AAAA" }],
      ["south", MERGED, { merge_after_0: "BBBB" }],
      ["west", MERGED, { merge_after_0: null }],
    ],
  },
  {
    name: "merged lists of one name have one cursor, and names of the client's stay apart",
    text: `{merge_edges:__typename allReaders{totalCount}allReaders{complete}reader(id:"west:1"){id}}`,
    asked: ["north", "south", "west"].map((id) => [
      id,
      `query ($_merge_after_0:String){allReaders(after:$_merge_after_0){totalCount ${TOKENS}} allReaders(after:$_merge_after_0){complete ${TOKENS}}${id === "west" ? ' reader(id:"west:1"){id}' : ""}}`,
      { _merge_after_0: null },
    ]),
  },
  {
    name: "fragments at the root, and their conditions",
    text: `query($y:Boolean!){...@include(if:$y){a:branch(id:"west"){id}...@skip(if:$y){b:branch(id:"west"){id}}}}`,
    variables: { y: true },
    asked: [["west", `query {a:branch(id:"west"){id}}`]],
  },
  {
    name: "only the fragments that a part uses",
    text: `{a:reader(id:"west:1"){...R}b:branch(id:"south"){...B}}fragment R on Reader{home{...B}}fragment B on Branch{id}`,
    asked: [
      ["south", `query {b:branch(id:"south"){...on Branch{id}}}`],
      ["west", `query {a:reader(id:"west:1"){...on Reader{home{...on Branch{id}}}}}`],
    ],
  },
  {
    name: "one name under two conditions",
    text: `query($y:Boolean!$n:Boolean!){branch(id:"west")@include(if:$y){id}branch(id:"west")@include(if:$n){name}}`,
    variables: { y: true, n: true },
    asked: [["west", `query {branch(id:"west"){id} branch(id:"west"){name}}`]],
  },
  {
    name: "a mutation's fields in their order",
    text: `mutation M($i:GreetInput!){a:greet(input:$i){id}b:greet(input:{readerId:"west:2"}){id}c:greet(input:{readerId:"north:1"}){id}d:greet(input:$i){id}}`,
    variables: { i: { readerId: "west:1" } },
    asked: [
      [
        "west",
        `mutation M($i:GreetInput!){a:greet(input:$i){id} b:greet(input:{readerId:"west:2"}){id}}`,
        { i: { readerId: "west:1" } },
      ],
      ["north", `mutation M{c:greet(input:{readerId:"north:1"}){id}}`],
      ["west", "mutation M($i:GreetInput!){d:greet(input:$i){id}}", { i: { readerId: "west:1" } }],
    ],
  },
  {
    name: "a mutation's field that is selected twice, with others between",
    text: `mutation($y:Boolean!){a:greet(input:{readerId:"west:2"}){id}b:greet(input:{readerId:"north:1"}){id}__typename ...@include(if:$y){a:greet(input:{readerId:"west:2"}){name}c:greet(input:{}){id}c:greet(input:{}){name}}}`,
    variables: { y: true },
    asked: [
      ["west", `mutation {a:greet(input:{readerId:"west:2"}){id} a:greet(input:{readerId:"west:2"}){name}}`],
      ["north", `mutation {b:greet(input:{readerId:"north:1"}){id}}`],
    ],
  },
  {
    name: "directives for services, on the operation, on fragments at the root and on its fields",
    text: `query Q($n:Int!$y:Boolean!)@trace(id:$n){...@loud(times:$n)@include(if:$y){branch(id:"west")@loud@skip(if:false){id@loud}}}`,
    variables: { n: 3, y: true },
    asked: [
      [
        "west",
        `query Q($n:Int!)@trace(id:$n){...@loud(times:$n){branch(id:"west")@loud{id@loud}}}`,
        { n: 3 },
      ],
    ],
  },
  {
    name: "a crossing is cut down to its key, its condition kept",
    text: `query($y:Boolean!){reader(id:"west:1"){pal:bestFriend@include(if:$y){name}bestFriend{id}}}`,
    variables: { y: true },
    asked: [
      [
        "west",
        `query ($y:Boolean!){reader(id:"west:1"){crossing_0:bestFriend@include(if:$y){__typename id}bestFriend{id}}}`,
        { y: true },
      ],
    ],
  },
  {
    name: "entities by their keys, compound ones too",
    text: "query E($representations:[_Any!]!$n:Int){_entities(representations:$representations){...on Copy{count}...on Branch{readers(first:$n){id}}}}",
    variables: {
      n: 1,
      representations: [
        { __typename: "Branch", id: "west" },
        { __typename: "Copy", branch: { id: "north" }, book: { isbn: "1" } },
        { __typename: "Copy", branch: { id: "west" }, book: { isbn: "1" } },
        { __typename: "Reader", id: "east:1" },
      ],
    },
    asked: [
      [
        "west",
        "query E($representations:[_Any!]!$n:Int){_entities(representations:$representations){...on Copy{count}...on Branch{readers(first:$n){id}}}}",
        {
          n: 1,
          representations: [
            { __typename: "Branch", id: "west" },
            { __typename: "Copy", branch: { id: "west" }, book: { isbn: "1" } },
          ],
        },
      ],
      [
        "north",
        "query E($representations:[_Any!]!$n:Int){_entities(representations:$representations){...on Copy{count}...on Branch{readers(first:$n){id}}}}",
        {
          n: 1,
          representations: [{ __typename: "Copy", branch: { id: "north" }, book: { isbn: "1" } }],
        },
      ],
    ],
  },
  {
    name: "nobody is asked about a partition that does not exist, or without a routing value",
    text: `query($i:ID){a:reader(id:"east:1"){id}__typename b:findReaders(filter:{at:{branch:$i}}){id}}`,
    variables: { i: null },
    asked: [],
  },
];

test.each(ROWS)("$name", async ({ text, variables, asked }) => {
  expect((await split(text, variables)).asked).toEqual(asked);
});

test("an entity of a partition that does not exist is an error at its place, and none of the default partition", async () => {
  const representations = ["north:1", "east:1", undefined, "east"].map((id) => ({
    __typename: "Reader",
    id,
  }));
  const text =
    "query($representations:[_Any!]!){_entities(representations:$representations){...on Reader{name}}}";
  const { entities, errors } = (await split(text, { representations })) as FetchedEntities & { asked: Asked };
  expect(entities).toEqual([null, null, null, null]);
  expect(errors.map(({ path, extensions }) => [path, extensions?.code])).toEqual([
    [[1], "UNKNOWN_BRANCH"],
    [[2], "BAD_USER_INPUT"],
    [[3], "UNKNOWN_BRANCH"],
  ]);
});

test("a plan's weight is that of all its texts, with what each of them repeats", () => {
  const weightOf = (follow: number) => {
    const follows = Array.from(
      { length: follow },
      (_, n) => `f${n}:bestFriend{h${n}:home{readers(first:$n){id}}}`,
    );
    const text = `query($n:Int=${"1".repeat(1_000)}){reader{id ${follows.join(" ")}}}`;
    return planWeight(planOperation(text, spec)) - planWeight(planOperation("{reader{id}}", spec));
  };
  expect(weightOf(0)).toBeLessThan(100);
  expect(weightOf(20)).toBeGreaterThan(20_000);
});
