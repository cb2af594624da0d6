/**
 * Fetching entities. Each is sent once, however many places it stands at; and what several branches of a plan
 * ask of one subgraph at one moment, in the same words, is one request: the public benchmark's heavy query
 * takes 9 requests instead of 16.
 */
import type { GraphQLFormattedError } from "graphql";
import { copyJson, isObject, type JsonObject, type ResponsePath } from "../ground/answer.ts";
import { EntityIndex, LACKING } from "./entity-index.ts";
import { mergeInto } from "./merge.ts";
import type { FlatMembers, Represent } from "./representations.ts";
import type { Run } from "./run.ts";
import { atPlaces, type PlanPath, placesOf } from "./sites.ts";
import type { Step } from "./step.ts";
import { nameOf, type SubgraphFetch, variablesOf } from "./subgraph-fetch.ts";

/** Where in a plan entities come from, and how they are told to the subgraph. */
export interface Origin {
  /** From the answer's root. */
  path: PlanPath;
  represent: Represent;
  /** Set if the representations are plain. */
  members: FlatMembers | undefined;
  /** Asks for what can be asked of an object that lacks something; undefined if nothing can. */
  partFor: ((object: JsonObject) => Step | undefined) | undefined;
}

/** What one branch of the plan asks for. */
interface Branch {
  /** From the answer's root. */
  path: PlanPath;
  /** The objects that wait for what is known of an entity, by its representation's index. */
  sites: JsonObject[][];
}

/** The entities of one request. */
interface Batch {
  index: EntityIndex;
  branches: Branch[];
  sent: Promise<void>;
}

export class EntityFetch {
  readonly #asked: string;
  readonly #fetch: SubgraphFetch;

  /** @param asked equal for fetches of an operation that can be sent as one */
  constructor(asked: string, fetch: SubgraphFetch) {
    this.#asked = asked;
    this.#fetch = fetch;
  }

  /** About how many bytes it keeps. */
  get weight(): number {
    return this.#fetch.prepared.weight;
  }

  /**
   * Resolves when the entities of these objects are there. One that lacks what is required is asked for as
   * far as it can be.
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
    batch.branches.push({ path, sites });
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
   * It is sent when whatever else goes on at this moment has come to its fetches: as `dataloader` does it.
   */
  #open(run: Run): Batch {
    const sent = new Promise<void>((resolve) => process.nextTick(resolve)).then(() => {
      run.batches.delete(this.#asked);
      return this.#send(run, batch);
    });
    const batch: Batch = { index: new EntityIndex(), branches: [], sent };
    // Whoever asks waits for it. If something breaks before anybody does, that is said there, and must not
    // end the process here.
    sent.catch(() => {});
    run.batches.set(this.#asked, batch);
    return batch;
  }

  async #send(run: Run, { index: { representations }, branches }: Batch): Promise<void> {
    if (representations.length === 0) return;
    const { subgraph, prepared, rewriteOutput, abstractTypes } = this.#fetch;
    const variables = variablesOf(this.#fetch, run);
    variables.representations = representations;
    const { data, errors } = await prepared.send(variables, run.context, nameOf(this.#fetch, run));
    const entities = Array.isArray(data?._entities) ? data._entities : [];
    for (let index = 0; index < representations.length; index++) {
      const entity: unknown = entities[index];
      if (!isObject(entity)) continue;
      rewriteOutput?.(entity);
      // To a subgraph that has an interface as an object, all are of one type; whoever told the real one
      // knows better.
      if (abstractTypes.has(entity.__typename as string)) delete entity.__typename;
      place(run, entity, index, branches);
    }
    if (errors.length > 0) run.addServiceErrors(subgraph, atSites(errors, branches, run));
  }
}

/**
 * Puts an entity where it is waited for. Objects within it stand at all places of a branch as one: whatever
 * is fetched for them is the same. Another branch may go on to fetch something else under the same name, so
 * it has objects of its own.
 */
function place(run: Run, entity: JsonObject, index: number, branches: readonly Branch[]): void {
  const isNested = hasObjects(entity);
  let isTaken = false;
  for (const { sites } of branches) {
    const own = sites[index];
    if (!own) continue;
    const given = isTaken && isNested ? (copyJson(entity) as JsonObject) : entity;
    for (const object of own) mergeInto(object, given);
    if (own.length > 1 && isNested) run.hasShared = true;
    isTaken = true;
  }
}

/**
 * Whether something of it is an object, which would then stand at every place of the entity; texts and
 * numbers are copied.
 */
function hasObjects(entity: JsonObject): boolean {
  for (const name in entity) {
    const value = entity[name];
    if (typeof value === "object" && value !== null) return true;
  }
  return false;
}

/**
 * Each error at each place of its entity. One without an entity is an error of the whole fetch, and has no
 * path.
 */
function* atSites(
  errors: readonly GraphQLFormattedError[],
  branches: readonly Branch[],
  run: Run,
): Generator<GraphQLFormattedError> {
  const places = branches.map(({ path, sites }) => placesOf(run.data, path, new Set(sites.flat())));
  const byIndex = new Map<unknown, readonly ResponsePath[]>();
  const placesAt = (index: number): readonly ResponsePath[] => {
    const known = byIndex.get(index);
    if (known) return known;
    const found = branches.flatMap(({ sites }, at) =>
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
