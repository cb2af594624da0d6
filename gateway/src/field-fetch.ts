/**
 * Running root fields on a partitioned subgraph. The query planner fuses all root fields of a subgraph into one operation;
 * here each goes to the owner of its routing value, or to everybody, with one request a partition. A mutation's fields run
 * one after the other, as GraphQL has it; consecutive ones of the same partition stay one request.
 */
import { type GraphQLFormattedError, OperationTypeNode, valueFromAST } from "graphql";
import {
  type AnsweredPart,
  emptyObject,
  errorAt,
  isObject,
  type JsonObject,
  ownValue,
  type PartAnswer,
  type ResponsePath,
} from "./answer.ts";
import { hasFields } from "./answer-shape.ts";
import { type CrossingPlace, takeCrossings } from "./crossing-places.ts";
import {
  isIncluded,
  pickVariables,
  printVariableDefinitions,
  type VariableDefinitions,
} from "./documents.ts";
import { followCrossings } from "./entity-fetch.ts";
import type { FieldRoute, FieldsPlan, RootField } from "./operation-plan.ts";
import { type AskTerms, clientPath, type Owner, ownerOf, type PartitionRun } from "./partition-run.ts";

/** An answer to a whole operation. */
export interface FetchedFields {
  data: JsonObject | null;
  errors: GraphQLFormattedError[];
}

/** The part of an operation that one partition runs. */
export interface Part {
  partition: string;
  fields: RootField[];
}

/** Which partition runs what, and the answers that need nobody. */
export interface Split {
  parts: Part[];
  data: JsonObject;
  errors: GraphQLFormattedError[];
}

export async function fetchFields(
  plan: FieldsPlan,
  definitions: VariableDefinitions,
  run: PartitionRun,
): Promise<FetchedFields> {
  const fields = plan.fields.filter(({ conditions }) => isIncluded(conditions, run.variables));
  const request = (part: Part) => printPart(plan, part, definitions, run.variables);
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

/** All parts side by side. */
async function fetchQuery(
  fields: readonly RootField[],
  request: PrintPart,
  run: PartitionRun,
): Promise<FetchedFields> {
  const { parts, data, errors } = splitFields(fields, run);
  const answers = new Map<string, PartAnswer>();
  await Promise.all(
    parts.map(async (part) => {
      answers.set(part.partition, await run.ask(part.partition, request(part), termsOf(part, true)));
    }),
  );
  const answered = parts.map((part) => ({ part, answer: answers.get(part.partition)! }));
  for (const { part, answer } of answered) takeOwned(part, answer, { data, errors }, run);
  for (const name of gatheredNames(fields)) {
    data[name] = gather(
      name,
      answered.map(({ answer }) => answer),
      errors,
      run,
    );
  }
  errors.push(...(await followAll(fields, data, run)));
  return { data, errors };
}

function termsOf({ fields }: Part, mayRepeat: boolean): AskTerms {
  const gathered = fields.filter(({ route }) => route.kind === "gather");
  return {
    mayRepeat,
    isWhole: (answer) => hasFields(answer, fields) && hasLists(answer, gathered),
  };
}

/** A partition's share of a gathered list is a list, if only an empty one, whatever the field allows. */
function hasLists({ data, errors }: AnsweredPart, fields: readonly RootField[]): boolean {
  return (
    errors.length > 0 || fields.every(({ responseName }) => Array.isArray(ownValue(data ?? {}, responseName)))
  );
}

/** One part after the other. Nothing runs after a field whose failure makes the whole answer null. */
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

/** Runs of fields that one partition can take together. */
function consecutive(fields: readonly RootField[], run: PartitionRun): RootField[][] {
  const steps: { owner: string | undefined; fields: RootField[] }[] = [];
  for (const field of fields) {
    const found = field.route.kind === "owner" ? fieldOwner(field.route, run) : undefined;
    const owner = found?.kind === "found" ? found.partition : undefined;
    const last = steps.at(-1);
    if (last && owner !== undefined && last.owner === owner) last.fields.push(field);
    else steps.push({ owner, fields: [field] });
  }
  return steps.map((step) => step.fields);
}

/** Decides who runs each field. A partition's fields keep their order; the parts have the topology's. */
export function splitFields(fields: readonly RootField[], run: PartitionRun): Split {
  const byPartition = new Map<string, RootField[]>(run.partitionIds.map((id) => [id, []]));
  const data = emptyObject();
  const errors: GraphQLFormattedError[] = [];
  for (const field of fields) {
    const { route, responseName } = field;
    switch (route.kind) {
      case "typename":
        data[responseName] = route.typeName;
        break;
      case "gather":
        for (const part of byPartition.values()) part.push(field);
        break;
      case "owner": {
        const owner = fieldOwner(route, run);
        if (owner.kind === "found") {
          byPartition.get(owner.partition)!.push(field);
        } else if (data[responseName] === undefined) {
          data[responseName] = null;
          errors.push(errorAt(owner.error, [responseName]));
        }
        break;
      }
      default:
        route satisfies never;
    }
  }
  const parts = Array.from(byPartition, ([partition, own]) => ({ partition, fields: own }));
  return { parts: parts.filter((part) => part.fields.length > 0), data, errors };
}

function fieldOwner(
  { by, argument, field }: Extract<FieldRoute, { kind: "owner" }>,
  run: PartitionRun,
): Owner {
  const [name, ...rest] = by;
  const given = field.arguments?.find((candidate) => candidate.name.value === name);
  const written = given ? valueFromAST(given.value, argument.type, run.variables) : undefined;
  const value = written === undefined ? argument.defaultValue : written;
  const routing = rest.reduce<unknown>(
    (object, step) => (isObject(object) ? ownValue(object, step) : undefined),
    value,
  );
  return ownerOf(run, routing, by.join("."));
}

/** The operation that a part comes to: its fields, and only the variables that they mention. */
export function printPart(
  plan: FieldsPlan,
  { fields }: Part,
  definitions: VariableDefinitions,
  variables: JsonObject,
) {
  const names = new Set(fields.flatMap((field) => [...field.variables]));
  const head = `${plan.operation} ${plan.operationName ?? ""}${printVariableDefinitions(definitions, names)}`;
  return {
    query: `${head}{${fields.map(({ text }) => text).join(" ")}}`,
    operationName: plan.operationName,
    variables: pickVariables(variables, names),
  };
}

/** Takes the fields that the partition owns from its answer; gathered ones are joined by `gather`. */
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
    const path = clientPath(error, run);
    if (path && names.has(String(path[0]))) into.errors.push(errorAt(error, path));
    // An error of the whole request is said once, at its first field.
    else if (!path?.length && names.size > 0) into.errors.push(errorAt(error, [[...names][0]!]));
  }
}

const gatheredNames = (fields: readonly RootField[]) =>
  new Set(fields.filter(({ route }) => route.kind === "gather").map(({ responseName }) => responseName));

/** Joins the partitions' lists. A partition without a list is one null element, with an error that says why. */
function gather(
  name: string,
  answers: readonly PartAnswer[],
  errors: GraphQLFormattedError[],
  run: PartitionRun,
): unknown[] {
  const joined: unknown[] = [];
  for (const answer of answers) {
    const start = joined.length;
    const list = answer.kind === "answered" ? ownValue(answer.data ?? {}, name) : undefined;
    if (Array.isArray(list)) for (const element of list) joined.push(element);
    else joined.push(null);
    if (answer.kind === "failed") {
      errors.push(errorAt(answer.error, [name, start]));
      continue;
    }
    for (const error of answer.errors) {
      const path = gatheredPath(clientPath(error, run), name, start, joined.length);
      if (path) errors.push(errorAt(error, path));
    }
  }
  return joined;
}

/** An error's path in the joined list, whose part from `start` to `end` it is about; undefined if it is another field's. */
function gatheredPath(
  path: ResponsePath | undefined,
  name: string,
  start: number,
  end: number,
): ResponsePath | undefined {
  if (!path?.length) return [name, start];
  const [field, index, ...rest] = path;
  if (field !== name) return undefined;
  const isWithin = typeof index === "number" && start + index < end;
  return isWithin ? [name, start + index, ...rest] : [name, start];
}

/** Follows the crossings of all fields together. Fields of one name share a value; each takes its own tokens out of it. */
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
