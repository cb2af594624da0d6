/**
 * Fetches entities by their keys. Each comes from the partition that owns it. All partitions are asked in
 * parallel, and the entities are returned in the order of the request. Afterwards their crossings to other
 * partitions are fetched in the same way.
 */
import type { GraphQLFormattedError } from "graphql";
import { errorAt, isObject, type JsonObject, ownValue, type PartAnswer } from "../../ground/answer.ts";
import { namedText, pickVariables } from "../../ground/documents.ts";
import { limitErrors } from "../../ground/service-errors.ts";
import { type AnswerBudget, PlacesBeyond, spend } from "../answer-budget.ts";
import { hasEntities } from "../answer-shape.ts";
import { type CrossingPlace, takeCrossings } from "./crossing-places.ts";
import { type EntityPlan, isEmptyTree } from "./crossing-plan.ts";
import { ownerOf, type PartitionRun, pathWithoutTokens } from "./partition-run.ts";

/** Entities in the order of the request. Null for an entity that does not exist or could not be fetched. */
export interface FetchedEntities {
  entities: (JsonObject | null)[];
  /** Their paths begin with the entity's index. */
  errors: GraphQLFormattedError[];
}

/**
 * Fetches entities. Crossings lead to further crossings only as deep as the operation is, and limits.ts
 * bounds that.
 */
export async function fetchEntities(
  plan: EntityPlan,
  representations: readonly JsonObject[],
  run: PartitionRun,
): Promise<FetchedEntities> {
  const fetched: FetchedEntities = {
    entities: new Array<JsonObject | null>(representations.length).fill(null),
    errors: [],
  };
  const groups = groupByOwner(representations, fetched, run);
  const variables = pickVariables(run.given, plan.variables);
  await Promise.all(
    Array.from(groups, async ([partition, indexes]) => {
      const isAll = indexes.length === representations.length;
      const own = isAll ? representations : indexes.map((index) => representations[index]!);
      const request = {
        query: namedText(plan.text, run.operationName),
        operationName: run.operationName,
        variables: { ...variables, representations: own },
      };
      const answer = await run.ask(partition, request, {
        mayRepeat: true,
        isWhole: (candidate, { representations: asked }) =>
          hasEntities(candidate, plan.shape, (asked as JsonObject[]).length),
      });
      takeEntities(answer, indexes, fetched, run);
    }),
  );
  if (isEmptyTree(plan.crossings)) return { ...fetched, errors: limitErrors(fetched.errors) };
  const errors = await followCrossings(takeCrossings(fetched.entities, plan.crossings, []), run);
  return { entities: fetched.entities, errors: limitErrors([...fetched.errors, ...errors]) };
}

/** The indexes of the representations by owner. A representation without an owner is an error. */
function groupByOwner(
  representations: readonly JsonObject[],
  { errors }: FetchedEntities,
  run: PartitionRun,
): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (let index = 0; index < representations.length; index++) {
    const representation = representations[index]!;
    const by = run.spec.entities.get(representation.__typename as string)?.by ?? [];
    const owner = ownerOf(run, valueAt(representation, by), by, "id");
    switch (owner.kind) {
      case "found": {
        const group = groups.get(owner.partition);
        if (group) group.push(index);
        else groups.set(owner.partition, [index]);
        break;
      }
      case "unknown":
        errors.push(errorAt(owner.error, [index]));
        break;
      default:
        owner satisfies never;
    }
  }
  return groups;
}

function valueAt(representation: JsonObject, path: readonly string[]): unknown {
  let value: unknown = representation;
  for (const name of path) value = isObject(value) ? ownValue(value, name) : undefined;
  return value;
}

/** Puts one partition's entities at the indexes of the representations that it was sent. */
function takeEntities(
  answer: PartAnswer,
  indexes: readonly number[],
  fetched: FetchedEntities,
  run: PartitionRun,
): void {
  if (answer.kind === "failed") {
    for (const index of indexes) fetched.errors.push(errorAt(answer.error, [index]));
    return;
  }
  const entities = Array.isArray(answer.data?._entities) ? answer.data._entities : [];
  for (const [position, index] of indexes.entries()) {
    const entity: unknown = entities[position];
    fetched.entities[index] = isObject(entity) ? entity : null;
  }
  for (const error of answer.errors) {
    const [, position, ...rest] = pathWithoutTokens(error, run) ?? [];
    const index = typeof position === "number" ? indexes[position] : undefined;
    // An error of the whole request is reported once, at its first entity. So is an error of an entity that
    // was not asked for.
    fetched.errors.push(
      index === undefined ? errorAt(error, [indexes[0]!]) : errorAt(error, [index, ...rest]),
    );
  }
}

/**
 * Fetches the objects behind crossings and puts them in their places, with one request for each partition and
 * follow-up. Each object is fetched once however often it occurs, and is null where it cannot be fetched.
 * Returns the errors, at the paths of the places.
 */
export async function followCrossings(
  places: Iterable<CrossingPlace>,
  run: PartitionRun,
): Promise<GraphQLFormattedError[]> {
  const beyond = new PlacesBeyond();
  const batches = new Map<string, CrossingPlace[]>();
  for (const place of places) {
    if (!spend(run.budget, "places", 1)) {
      place.put(null);
      beyond.add(place.path);
      continue;
    }
    // Follow-ups with equal text ask for the same, wherever they stand in the operation.
    const batch = batches.get(place.followUp.text);
    if (batch) batch.push(place);
    else batches.set(place.followUp.text, [place]);
  }
  const errors = await Promise.all(Array.from(batches.values(), (places) => followUp(places, run)));
  const told = batches.size > 1 ? oncePerPath(errors.flat()) : errors.flat();
  return limitErrors([...told, ...beyond.errors()]);
}

/**
 * An operation may select a field twice, and each selection is fetched by itself. To the client it is one
 * field, which has one error.
 */
function oncePerPath(errors: readonly GraphQLFormattedError[]): GraphQLFormattedError[] {
  return [...new Map(errors.map((error) => [JSON.stringify(error.path), error])).values()];
}

async function followUp(
  places: readonly CrossingPlace[],
  run: PartitionRun,
): Promise<GraphQLFormattedError[]> {
  const placesByKey = new Map<string, CrossingPlace[]>();
  for (const place of places) {
    const key = JSON.stringify(place.representation);
    const same = placesByKey.get(key);
    if (same) same.push(place);
    else placesByKey.set(key, [place]);
  }
  const distinct = [...placesByKey.values()];
  const representations = distinct.map(([first]) => first!.representation);
  const { entities, errors } = await fetchEntities(places[0]!.followUp, representations, run);
  const beyond = new PlacesBeyond();
  for (const [index, same] of distinct.entries()) putAll(entities[index]!, same, run.budget, beyond);
  return limitErrors(errorsAtPlaces(errors, distinct, beyond));
}

/**
 * Puts one object in all of its places. Later fetches write into the objects, so each place gets its own
 * copy.
 */
function putAll(
  entity: JsonObject | null,
  [first, ...others]: readonly CrossingPlace[],
  budget: AnswerBudget,
  beyond: PlacesBeyond,
): void {
  const json = entity && others.length > 0 ? JSON.stringify(entity) : "null";
  first!.put(entity);
  for (const { put, path } of others) {
    if (spend(budget, "copiedCharacters", json.length)) {
      put(JSON.parse(json) as JsonObject | null);
    } else {
      put(null);
      beyond.add(path);
    }
  }
}

/** Yields errors one by one: there may be far more than are shown. */
function* errorsAtPlaces(
  errors: readonly GraphQLFormattedError[],
  distinct: readonly (readonly CrossingPlace[])[],
  beyond: PlacesBeyond,
): Generator<GraphQLFormattedError> {
  for (const error of errors) {
    const [index, ...rest] = error.path as [number, ...(string | number)[]];
    for (const place of distinct[index]!) yield errorAt(error, [...place.path, ...rest]);
  }
  yield* beyond.errors();
}
