/**
 * Fetches entities. Each entity is sent once, however many places it stands at. What several places of a
 * plan ask of one subgraph at the same moment, with equal text, is one request: the heavy query of the public
 * benchmark takes 9 requests instead of 16.
 */
import type { GraphQLFormattedError } from "graphql";
import { copyJson, isObject, type JsonObject, mergeInto, type ResponsePath } from "../ground/answer.ts";
import { EntityIndex, LACKING } from "./entity-index.ts";
import type { FlatMembers, Represent } from "./representations.ts";
import type { Run } from "./run.ts";
import { atPlaces, type PlanPath, placesOf } from "./sites.ts";
import type { Step, SubgraphFetch } from "./step.ts";

/** Where a plan takes the entities from, and how it represents them to the subgraph. */
export interface Origin {
  /** The path from the answer's root. */
  path: PlanPath;
  represent: Represent;
  /** Set if the representations are plain. */
  members: FlatMembers | undefined;
  /** The step for an object that lacks something: it asks for the rest. Undefined if nothing can be asked. */
  partFor: ((object: JsonObject) => Step | undefined) | undefined;
}

/** What one place in the plan asks for. */
interface Asking {
  /** The path from the answer's root. */
  path: PlanPath;
  /** The objects that wait for each entity, by the index of its representation. */
  sites: JsonObject[][];
}

/** The entities of one request. */
interface Batch {
  index: EntityIndex;
  askings: Asking[];
  sent: Promise<void>;
}

export class EntityFetch {
  readonly #asked: string;
  readonly #fetch: SubgraphFetch;

  /** @param asked equal for fetches of an operation that can go into one request */
  constructor(asked: string, fetch: SubgraphFetch) {
    this.#asked = asked;
    this.#fetch = fetch;
  }

  /** The bytes that it keeps, approximately. */
  get weight(): number {
    return this.#fetch.prepared.weight;
  }

  /**
   * Resolves when these objects have their entities. An object that lacks something required is asked for the
   * rest.
   */
  async ask(run: Run, objects: readonly JsonObject[], origin: Origin): Promise<void> {
    const lacking: JsonObject[] = [];
    const sent = this.#add(run, objects, origin, lacking);
    if (lacking.length === 0) return sent;
    for (const object of lacking) run.lacking.add(object);
    const parts = Map.groupBy(lacking, (object) => origin.partFor?.(object));
    await Promise.all([sent, ...[...parts].map(([step, own]) => step?.(run, own))]);
  }

  #add(
    run: Run,
    objects: readonly JsonObject[],
    { path, represent, members }: Origin,
    lacking: JsonObject[],
  ): Promise<void> {
    const open = run.batches.get(this.#asked) as Batch | undefined;
    const batch = open ?? this.#open(run);
    const sites: JsonObject[][] = [];
    batch.askings.push({ path, sites });
    for (const object of objects) {
      const index = batch.index.indexOf(object, represent, members);
      if (index === LACKING) lacking.push(object);
      if (index === undefined || index === LACKING) continue;
      const own = sites[index];
      if (own) own.push(object);
      else sites[index] = [object];
    }
    return batch.sent;
  }

  /**
   * The batch is sent after everything else of this moment has reached its fetches, as `dataloader` does it.
   */
  #open(run: Run): Batch {
    const sent = new Promise<void>((resolve) => process.nextTick(resolve)).then(() => {
      run.batches.delete(this.#asked);
      return this.#send(run, batch);
    });
    const batch: Batch = { index: new EntityIndex(), askings: [], sent };
    // All callers wait for this promise and see its error. If it fails before any of them waits, the
    // unhandled rejection must not end the process.
    sent.catch(() => {});
    run.batches.set(this.#asked, batch);
    return batch;
  }

  async #send(run: Run, { index: { representations }, askings }: Batch): Promise<void> {
    if (representations.length === 0) return;
    const { subgraph, prepared, rewriteOutput, abstractTypes } = this.#fetch;
    const variables = run.variablesOf(this.#fetch.variableNames);
    variables.representations = representations;
    const { data, errors } = await prepared.send(variables, run.context, run.nameOf(this.#fetch.nameEnd));
    const entities = Array.isArray(data?._entities) ? data._entities : [];
    for (let index = 0; index < representations.length; index++) {
      const entity: unknown = entities[index];
      if (!isObject(entity)) continue;
      rewriteOutput?.(entity);
      // A subgraph with an interface object knows only the interface's name. The real type comes from
      // elsewhere and must not be overwritten.
      if (abstractTypes.has(entity.__typename as string)) delete entity.__typename;
      place(run, entity, index, askings);
    }
    if (errors.length > 0) run.addServiceErrors(subgraph, atSites(errors, askings, run));
  }
}

/**
 * Puts an entity into the objects that wait for it. All sites of one asking share the objects inside the
 * entity, since whatever is fetched for these is the same. Another asking may fetch something else under the
 * same name, so it gets its own copies.
 */
function place(run: Run, entity: JsonObject, index: number, askings: readonly Asking[]): void {
  const isNested = hasObjects(entity);
  let isTaken = false;
  for (const { sites } of askings) {
    const own = sites[index];
    if (!own) continue;
    const given = isTaken && isNested ? (copyJson(entity) as JsonObject) : entity;
    for (const object of own) mergeInto(object, given);
    if (own.length > 1 && isNested) run.hasShared = true;
    isTaken = true;
  }
}

/**
 * Whether the entity contains an object, which all its places would share. Strings and numbers are copied
 * anyway.
 */
function hasObjects(entity: JsonObject): boolean {
  for (const name in entity) {
    const value = entity[name];
    if (typeof value === "object" && value !== null) return true;
  }
  return false;
}

/**
 * Puts each error at all places of its entity. An error without an entity concerns the whole fetch and has no
 * path.
 */
function* atSites(
  errors: readonly GraphQLFormattedError[],
  askings: readonly Asking[],
  run: Run,
): Generator<GraphQLFormattedError> {
  const places = askings.map(({ path, sites }) => placesOf(run.data, path, new Set(sites.flat())));
  const byIndex = new Map<unknown, readonly ResponsePath[]>();
  const placesAt = (index: number): readonly ResponsePath[] => {
    const known = byIndex.get(index);
    if (known) return known;
    const found = askings.flatMap(({ sites }, at) =>
      (sites[index] ?? []).flatMap((object) => places[at]!.get(object) ?? []),
    );
    byIndex.set(index, found);
    return found;
  };
  for (const error of errors) {
    const [root, index, ...rest] = error.path ?? [];
    yield* atPlaces(error, root === "_entities" && typeof index === "number" ? placesAt(index) : [], rest);
  }
}
