/**
 * Runs root fields on a partitioned subgraph. The query planner puts all root fields of a subgraph into one
 * operation. Here each field goes to its partition or to all of them (field-split.ts), with one request for
 * each partition. A mutation's fields run one after the other, as GraphQL requires. Consecutive fields of the
 * same partition stay in one request.
 */
import { type GraphQLFormattedError, OperationTypeNode } from "graphql";
import { emptyObject, errorAt, type JsonObject, ownValue, type PartAnswer } from "../../ground/answer.ts";
import {
  isIncluded,
  pickVariables,
  printVariableDefinitions,
  type VariableDefinitions,
} from "../../ground/documents.ts";
import { hasFields } from "../answer-shape.ts";
import { type CrossingPlace, takeCrossings } from "./crossing-places.ts";
import { followCrossings } from "./entity-fetch.ts";
import { consecutive, type Part, type Split, splitFields } from "./field-split.ts";
import { gather, hasLists } from "./gather.ts";
import { hasPage, mergePages } from "./merge-pages.ts";
import type { FieldRoute, FieldsPlan, RootField } from "./operation-plan.ts";
import { type PartitionRun, type PartTerms, pathWithoutTokens } from "./partition-run.ts";

/** The answer to a whole operation. */
export interface FetchedFields {
  data: JsonObject | null;
  errors: GraphQLFormattedError[];
}

export async function fetchRootFields(
  plan: FieldsPlan,
  definitions: VariableDefinitions,
  run: PartitionRun,
): Promise<FetchedFields> {
  const fields = plan.fields.filter(({ conditions }) => isIncluded(conditions, run.variables));
  const request = (part: Part) => printPart(plan, part, definitions, run);
  switch (plan.operation) {
    case OperationTypeNode.QUERY:
      return fetchQuery(fields, request, run);
    case OperationTypeNode.MUTATION:
      return fetchMutation(fields, request, run);
    case OperationTypeNode.SUBSCRIPTION:
      throw new Error("subscriptions never reach a data source");
    default:
      return plan.operation satisfies never;
  }
}

type PrintPart = (part: Part) => ReturnType<typeof printPart>;

/** Runs all parts in parallel. */
async function fetchQuery(
  fields: readonly RootField[],
  request: PrintPart,
  run: PartitionRun,
): Promise<FetchedFields> {
  const { parts, windows, data, errors } = splitFields(fields, run);
  const answers = new Map<string, PartAnswer>();
  await Promise.all(
    parts.map(async (part) => {
      answers.set(part.partition, await run.ask(part.partition, request(part), termsOf(part, true)));
    }),
  );
  const answered = parts.map((part) => ({ part, answer: answers.get(part.partition)! }));
  for (const { part, answer } of answered) takeOwned(part, answer, { data, errors }, run);
  const all = answered.map(({ part: { partition }, answer }) => ({ partition, answer }));
  for (const name of namesOf(fields, "gather")) data[name] = gather(name, all, errors, run);
  for (const [name, { page, window }] of windows) {
    const merged = mergePages(name, page, window, all, run);
    data[name] = merged.value;
    errors.push(...merged.errors);
  }
  errors.push(...(await followAll(fields, data, run)));
  return { data, errors };
}

function termsOf({ fields }: Part, mayRepeat: boolean): PartTerms {
  const gathered = namesOf(fields, "gather");
  return {
    mayRepeat,
    isWhole: (answer) =>
      hasFields(answer, fields) &&
      hasLists(answer, gathered) &&
      fields.every(
        ({ route, responseName }) => route.kind !== "merge" || hasPage(answer, responseName, route.page),
      ),
  };
}

/** Runs the parts in order. Stops after a field whose failure makes the whole answer null. */
async function fetchMutation(
  fields: readonly RootField[],
  request: PrintPart,
  run: PartitionRun,
): Promise<FetchedFields> {
  const data = emptyObject();
  const errors: GraphQLFormattedError[] = [];
  for (const step of consecutive(fields, run)) {
    const split = splitFields(step, run);
    Object.assign(data, split.data);
    errors.push(...split.errors);
    for (const part of split.parts) {
      const answer = await run.ask(part.partition, request(part), termsOf(part, false));
      takeOwned(part, answer, { data, errors }, run);
    }
    if (step.some(({ nonNull, responseName }) => nonNull && data[responseName] === null)) {
      return { data: null, errors };
    }
  }
  errors.push(...(await followAll(fields, data, run)));
  return { data, errors };
}

/** The operation of a part: its fields, with only the variables that they use. */
function printPart(
  plan: FieldsPlan,
  { fields, afters }: Part,
  definitions: VariableDefinitions,
  { given, operationName }: Pick<PartitionRun, "given" | "operationName">,
) {
  const variables = { ...given, ...afters };
  const names = new Set([...fields.flatMap((field) => [...field.variables]), ...plan.directives.variables]);
  const said = `${printVariableDefinitions(definitions, names)}${plan.directives.text}`;
  const head = `${plan.operation} ${operationName ?? ""}${said}`;
  return {
    query: `${head}{${fields.map(({ text }) => text).join(" ")}}`,
    operationName,
    variables: pickVariables(variables, names),
  };
}

/**
 * Takes the fields that the partition owns from its answer. Gathered and merged fields are made from all
 * answers.
 */
function takeOwned(part: Part, answer: PartAnswer, into: Split | FetchedFields, run: PartitionRun): void {
  const owned = part.fields.filter(({ route }) => route.kind === "owner");
  const names = new Set(owned.map(({ responseName }) => responseName));
  if (answer.kind === "failed") {
    for (const name of names) {
      into.data![name] = null;
      into.errors.push(errorAt(answer.error, [name]));
    }
    return;
  }
  for (const name of names) into.data![name] = ownValue(answer.data ?? {}, name) ?? null;
  for (const error of answer.errors) {
    const path = pathWithoutTokens(error, run);
    if (path && names.has(String(path[0]))) into.errors.push(errorAt(error, path));
    // An error of the whole request is reported once, at its first field.
    else if (!path?.length && names.size > 0) into.errors.push(errorAt(error, [[...names][0]!]));
  }
}

const namesOf = (fields: readonly RootField[], kind: FieldRoute["kind"]) =>
  new Set(fields.filter(({ route }) => route.kind === kind).map(({ responseName }) => responseName));

/**
 * Follows the crossings of all fields together. Fields of one response name share a value, and each takes its
 * own tokens out of it.
 */
function followAll(
  fields: readonly RootField[],
  data: JsonObject,
  run: PartitionRun,
): Promise<GraphQLFormattedError[]> {
  return followCrossings(placesOf(fields, data), run);
}

function* placesOf(fields: readonly RootField[], data: JsonObject): Generator<CrossingPlace> {
  for (const { responseName, crossings } of fields) {
    yield* takeCrossings(data[responseName], crossings, [responseName]);
  }
}
