/**
 * The steps of a plan that ask a subgraph: for fields of the root, or of something that leads back to it; for
 * entities.
 */
import type { FetchNode } from "@apollo/query-planner";
import { type GraphQLFormattedError, type GraphQLSchema, isInterfaceType } from "graphql";
import type { JsonObject } from "../answer.ts";
import type { Source } from "../sources/fetch.ts";
import { EntityFetch, type Origin } from "./entity-batch.ts";
import type { FieldNeeds } from "./field-needs.ts";
import { mergeInto } from "./merge.ts";
import { keylessTypes, PartialFetches } from "./partial-fetch.ts";
import { compileRepresentation, flatMembers, type Represent } from "./representations.ts";
import { compileRewrites, type Rewrite } from "./rewrites.ts";
import type { Run } from "./run.ts";
import { atPlaces, type PlanPath, placesOf } from "./sites.ts";
import { nameOf, type SubgraphFetch, variablesOf } from "./subgraph-fetch.ts";

/** Does its part of a plan for the objects that the plan's path has led to. */
export type Step = (run: Run, sites: readonly JsonObject[]) => Promise<void> | void;

const NOTHING_TOLD: JsonObject = Object.freeze({});

/** Makes the fetches of one plan. */
export class FetchCompiler {
  readonly #sources: ReadonlyMap<string, Source>;
  readonly #schema: GraphQLSchema;
  readonly #needs: FieldNeeds;
  readonly #abstractTypes: ReadonlySet<string>;
  /** Those of entities, by what they ask. */
  readonly #entityFetches = new Map<string, EntityFetch>();
  #fetchCount = 0;

  /** @param sources by subgraph. @param schema the supergraph's types */
  constructor(sources: ReadonlyMap<string, Source>, schema: GraphQLSchema, needs: FieldNeeds) {
    this.#sources = sources;
    this.#schema = schema;
    this.#needs = needs;
    const types = Object.values(schema.getTypeMap());
    this.#abstractTypes = new Set(types.filter(isInterfaceType).map(({ name }) => name));
  }

  /** @param path from the answer's root to the fetch's sites */
  compile(node: FetchNode, path: PlanPath): { step: Step; weight: number } {
    if (node.requires === undefined) {
      const fetch = this.#prepare(node);
      return { step: (run, sites) => fetchFields(fetch, path, sites, run), weight: fetch.prepared.weight };
    }
    const parts = new PartialFetches(node, {
      needs: this.#needs,
      schema: this.#schema,
      compile: (part) => this.#compileEntities(part, path).step,
    });
    return this.#compileEntities(node, path, (object) => parts.stepFor(object));
  }

  #compileEntities(node: FetchNode, path: PlanPath, partFor?: Origin["partFor"]) {
    const known = this.#entityFetches.get(whatIsAsked(node));
    const fetch = known ?? new EntityFetch(this.#prepare(node));
    if (!known) this.#entityFetches.set(whatIsAsked(node), fetch);
    const requires = node.requires!;
    const rewrite = compileRewrites(node.inputRewrites, this.#schema);
    const whole = compileRepresentation(requires, this.#schema);
    const keyless = keylessTypes(node, this.#needs, this.#schema);
    const plain: Represent =
      keyless.size === 0
        ? whole
        : (source) => (keyless.has(source.__typename as string) ? NOTHING_TOLD : whole(source));
    const origin: Origin = {
      path,
      represent: rewrite ? rewritten(plain, rewrite) : plain,
      members: rewrite || keyless.size > 0 ? undefined : flatMembers(requires, this.#schema),
      partFor,
    };
    return {
      step: (run: Run, sites: readonly JsonObject[]) => fetch.ask(run, sites, origin),
      weight: known ? 0 : fetch.weight,
    };
  }

  #prepare(node: FetchNode): SubgraphFetch {
    const { serviceName: subgraph, operation: text, operationKind: kind } = node;
    return {
      subgraph,
      nameEnd: `__${subgraph.replaceAll(/\W/g, "_")}__${this.#fetchCount++}`,
      prepared: this.#sources.get(subgraph)!.prepare({ text, kind }),
      variableNames: node.variableUsages ?? [],
      rewriteOutput: compileRewrites(node.outputRewrites, this.#schema),
      abstractTypes: this.#abstractTypes,
    };
  }
}

function rewritten(represent: Represent, rewrite: Rewrite): Represent {
  return (source) => {
    const representation = represent(source);
    // The planner may set the type's name: of what has nothing to be known by it must not make an entity.
    if (representation?.__typename !== undefined) rewrite(representation);
    return representation;
  };
}

/** Equal for fetches that can be sent as one. */
function whatIsAsked({ serviceName, operation, outputRewrites }: FetchNode): string {
  return JSON.stringify([serviceName, operation, outputRewrites ?? []]);
}

async function fetchFields(
  fetch: SubgraphFetch,
  path: PlanPath,
  sites: readonly JsonObject[],
  run: Run,
): Promise<void> {
  if (sites.length === 0) return;
  const { data, errors } = await fetch.prepared.send(
    variablesOf(fetch, run),
    run.context,
    nameOf(fetch, run),
  );
  if (data) {
    fetch.rewriteOutput?.(data);
    for (const site of sites) mergeInto(site, data);
    if (sites.length > 1) run.hasShared = true;
  }
  if (errors.length > 0) run.addServiceErrors(fetch.subgraph, atSites(errors, path, sites, run));
}

/** What the root could not say is missing at every site. */
function* atSites(
  errors: readonly GraphQLFormattedError[],
  path: PlanPath,
  sites: readonly JsonObject[],
  run: Run,
): Generator<GraphQLFormattedError> {
  const places = path.length === 0 ? [[]] : [...placesOf(run.data, path, new Set(sites)).values()].flat();
  for (const error of errors) yield* atPlaces(error, error.path ? places : [], error.path ?? []);
}
