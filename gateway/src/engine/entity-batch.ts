/**
 * Fetching entities. Each is sent once, however many places it stands at; and what several branches of a plan ask of one subgraph at one
 * moment, in the same words, is one request: the public benchmark's heavy query takes 9 requests instead of 16.
 */
import type { GraphQLFormattedError } from "graphql";
import { errorAt, isObject, type JsonObject, type ResponsePath } from "../answer.ts";
import { EntityIndex } from "./entity-index.ts";
import { mergeInto } from "./merge.ts";
import type { FlatMembers, Represent } from "./representations.ts";
import type { Run } from "./run.ts";
import { type PlanPath, placesOf } from "./sites.ts";
import { type SubgraphFetch, variablesOf } from "./subgraph-fetch.ts";

/** Where in a plan entities come from, and how they are told to the subgraph. */
export interface Origin {
  /** From the answer's root. */
  path: PlanPath;
  represent: Represent;
  /** Set if the representations are plain. */
  members: FlatMembers | undefined;
}

/** The entities of one request. */
interface Batch {
  index: EntityIndex;
  /** The objects that wait for what is known of an entity, by its representation's index. */
  sites: JsonObject[][];
  /** Where they are. */
  paths: PlanPath[];
  sent: Promise<void>;
}

export class EntityFetch {
  readonly #fetch: SubgraphFetch;

  constructor(fetch: SubgraphFetch) {
    this.#fetch = fetch;
  }

  /** About how many characters it keeps. */
  get weight(): number {
    return this.#fetch.prepared.weight;
  }

  /** Resolves when the entities of these objects are there. One that lacks what is required is not asked for. */
  ask(run: Run, objects: readonly JsonObject[], { path, represent, members }: Origin): Promise<void> {
    const open = run.batches.get(this) as Batch | undefined;
    const batch = open ?? this.#open(run);
    batch.paths.push(path);
    for (const object of objects) {
      const index = batch.index.indexOf(object, represent, members);
      if (index === undefined) continue;
      const own = batch.sites[index];
      if (own) own.push(object);
      else batch.sites[index] = [object];
    }
    return batch.sent;
  }

  /** It is sent when whatever else goes on at this moment has come to its fetches: as `dataloader` does it. */
  #open(run: Run): Batch {
    const sent = new Promise<void>((resolve) => process.nextTick(resolve)).then(() => {
      run.batches.delete(this);
      return this.#send(run, batch);
    });
    const batch: Batch = { index: new EntityIndex(), sites: [], paths: [], sent };
    run.batches.set(this, batch);
    return batch;
  }

  async #send(run: Run, { index: { representations }, sites, paths }: Batch): Promise<void> {
    if (representations.length === 0) return;
    const { subgraph, prepared, rewriteOutput, abstractTypes } = this.#fetch;
    const variables = variablesOf(this.#fetch, run);
    variables.representations = representations;
    const { data, errors } = await prepared.send(variables, run.context);
    const entities = Array.isArray(data?._entities) ? data._entities : [];
    for (const [index, own] of sites.entries()) {
      const entity: unknown = entities[index];
      if (!isObject(entity)) continue;
      rewriteOutput?.(entity);
      // To a subgraph that has an interface as an object, all are of one type; whoever told the real one knows better.
      if (abstractTypes.has(entity.__typename as string)) delete entity.__typename;
      for (const object of own) mergeInto(object, entity);
      if (own.length > 1 && hasObjects(entity)) run.hasShared = true;
    }
    if (errors.length > 0) run.addServiceErrors(subgraph, atSites(errors, sites, paths, run));
  }
}

/** Whether something of it is an object, which would then stand at every place of the entity; texts and numbers are copied. */
function hasObjects(entity: JsonObject): boolean {
  for (const name in entity) {
    const value = entity[name];
    if (typeof value === "object" && value !== null) return true;
  }
  return false;
}

/** Each error at each place of its entity. One without an entity is an error of the whole fetch, and has no path. */
function* atSites(
  errors: readonly GraphQLFormattedError[],
  sites: readonly (readonly JsonObject[])[],
  paths: readonly PlanPath[],
  run: Run,
): Generator<GraphQLFormattedError> {
  const places = placesOfAll(new Set(sites.flat()), paths, run);
  for (const error of errors) {
    const [root, index, ...rest] = error.path ?? [];
    const own = root === "_entities" && typeof index === "number" ? sites[index] : undefined;
    const found = own?.flatMap((object) => places.get(object) ?? []) ?? [];
    if (found.length === 0) yield withoutPath(error);
    for (const place of found) yield errorAt(error, [...place, ...rest]);
  }
}

function withoutPath({ path: _, ...error }: GraphQLFormattedError): GraphQLFormattedError {
  return error;
}

function placesOfAll(
  objects: ReadonlySet<JsonObject>,
  paths: readonly PlanPath[],
  run: Run,
): Map<JsonObject, ResponsePath[]> {
  const places = new Map<JsonObject, ResponsePath[]>();
  for (const path of new Set(paths)) {
    for (const [object, found] of placesOf(run.data, path, objects)) {
      places.set(object, [...(places.get(object) ?? []), ...found]);
    }
  }
  return places;
}
