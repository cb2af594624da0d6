/**
 * The steps of a plan that ask a subgraph: for root fields, for fields of an object that leads back to the
 * root, or for entities.
 */
import type { FetchNode } from "@apollo/query-planner";
import { type GraphQLFormattedError, type GraphQLSchema, isInterfaceType } from "graphql";
import type { JsonObject } from "../ground/answer.ts";
import { mergeInto } from "../ground/answer.ts";
import type { Source } from "../sources/source.ts";
import { EntityFetch, type Origin } from "./entity-batch.ts";
import type { FieldNeeds } from "./field-needs.ts";
import type { PartCache } from "./part-cache.ts";
import { keylessTypes, PartialFetches } from "./partial-fetch.ts";
import { compileRepresentation, flatMembers, type Represent } from "./representations.ts";
import { compileRewrites, type Rewrite } from "./rewrites.ts";
import type { Run } from "./run.ts";
import { atPlaces, type PlanPath, placesOf } from "./sites.ts";
import type { Step, SubgraphFetch } from "./step.ts";

const NOTHING_TOLD: JsonObject = Object.freeze({});

export interface FetchTerms {
  /** By subgraph. */
  sources: ReadonlyMap<string, Source>;
  /** The types of the supergraph. */
  schema: GraphQLSchema;
  needs: FieldNeeds;
  /** The cache for parts of fetches. */
  parts: PartCache;
}

/** Compiles the fetches of one plan. */
export class FetchCompiler {
  readonly #sources: ReadonlyMap<string, Source>;
  readonly #schema: GraphQLSchema;
  readonly #needs: FieldNeeds;
  readonly #parts: PartCache;
  readonly #abstractTypes: ReadonlySet<string>;
  /** The entity fetches, by what they ask. */
  readonly #entityFetches = new Map<string, EntityFetch>();
  #fetchCount = 0;

  constructor({ sources, schema, needs, parts }: FetchTerms) {
    this.#sources = sources;
    this.#schema = schema;
    this.#needs = needs;
    this.#parts = parts;
    const types = Object.values(schema.getTypeMap());
    this.#abstractTypes = new Set(types.filter(isInterfaceType).map(({ name }) => name));
  }

  /** @param path from the answer's root to the fetch's sites */
  compile(node: FetchNode, path: PlanPath): { step: Step; weight: number } {
    const nameEnd = `__${node.serviceName.replaceAll(/\W/g, "_")}__${this.#fetchCount}`;
    if (node.requires === undefined) {
      this.#fetchCount++;
      const fetch = this.#prepare(node, nameEnd);
      return { step: (run, sites) => fetchFields(fetch, path, sites, run), weight: fetch.prepared.weight };
    }
    const asked = whatIsAsked(node);
    const known = this.#entityFetches.get(asked);
    const fetch = known ?? new EntityFetch(asked, this.#prepare(node, nameEnd));
    if (!known) {
      this.#fetchCount++;
      this.#entityFetches.set(asked, fetch);
    }
    const parts = new PartialFetches(node, {
      needs: this.#needs,
      schema: this.#schema,
      cache: this.#parts,
      compile: (part) => {
        const own = new EntityFetch(whatIsAsked(part), this.#prepare(part, nameEnd));
        return { step: this.#entityStep(own, part, path), weight: own.weight };
      },
    });
    const step = this.#entityStep(fetch, node, path, (object) => parts.stepFor(object));
    return { step, weight: known ? 0 : fetch.weight };
  }

  #entityStep(fetch: EntityFetch, node: FetchNode, path: PlanPath, partFor?: Origin["partFor"]): Step {
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
    return (run, sites) => fetch.ask(run, sites, origin);
  }

  #prepare(node: FetchNode, nameEnd: string): SubgraphFetch {
    const { serviceName: subgraph, operation: text } = node;
    return {
      subgraph,
      nameEnd,
      prepared: this.#sources.get(subgraph)!.prepare(text),
      variableNames: node.variableUsages ?? [],
      rewriteOutput: compileRewrites(node.outputRewrites, this.#schema),
      abstractTypes: this.#abstractTypes,
    };
  }
}

function rewritten(represent: Represent, rewrite: Rewrite): Represent {
  return (source) => {
    const representation = represent(source);
    // The rewrite may set `__typename`, and must not turn an empty representation into an entity.
    if (representation?.__typename !== undefined) rewrite(representation);
    return representation;
  };
}

/** Equal for fetches that can go into one request. */
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
    run.variablesOf(fetch.variableNames),
    run.context,
    run.nameOf(fetch.nameEnd),
  );
  if (data) {
    fetch.rewriteOutput?.(data);
    for (const site of sites) mergeInto(site, data);
    if (sites.length > 1) run.hasShared = true;
  }
  if (errors.length > 0) run.addServiceErrors(fetch.subgraph, atSites(errors, path, sites, run));
}

/** An error of the root's answer applies at every site. */
function* atSites(
  errors: readonly GraphQLFormattedError[],
  path: PlanPath,
  sites: readonly JsonObject[],
  run: Run,
): Generator<GraphQLFormattedError> {
  const places = path.length === 0 ? [[]] : [...placesOf(run.data, path, new Set(sites)).values()].flat();
  for (const error of errors) yield* atPlaces(error, error.path ? places : [], error.path ?? []);
}
