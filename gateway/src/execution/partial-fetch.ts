/**
 * Asks for a part of a fetch. An object may lack something that the fetch requires: @skip left it out, it
 * belongs to another type, or its service was down. Then only the fields that need it are not asked for. With
 * the planner's single representation, their siblings would be lost too.
 */
import type { FetchNode } from "@apollo/query-planner";
import type { GraphQLSchema, OperationDefinitionNode } from "graphql";
import { Kind } from "graphql";
import type { JsonObject } from "../ground/answer.ts";
import { type EntityField, entityFields, entityOperation, partOf } from "./entity-operation.ts";
import type { FieldNeeds, Selections } from "./field-needs.ts";
import type { PartCache } from "./part-cache.ts";
import { compileRepresentation, type Represent } from "./representations.ts";
import { typesWithin } from "./rewrites.ts";
import type { CompiledFetch, Step } from "./step.ts";

/** Something that needs what an object may lack: a requested field, or a key. */
interface Needing {
  /** Undefined for a key. */
  field: EntityField | undefined;
  represent: Represent;
  paths: readonly string[];
}

export interface PartTerms {
  needs: FieldNeeds;
  /** The types of the supergraph. */
  schema: GraphQLSchema;
  /** The cache for parts. */
  cache: PartCache;
  compile: (node: FetchNode) => CompiledFetch;
}

const NOTHING: CompiledFetch = { step: undefined, weight: 0 };

export class PartialFetches {
  readonly #node: FetchNode;
  readonly #terms: PartTerms;
  #operation: OperationDefinitionNode | undefined;
  readonly #byType = new Map<string, readonly Needing[]>();
  readonly #key: string;

  constructor(node: FetchNode, terms: PartTerms) {
    this.#node = node;
    this.#terms = terms;
    this.#key = terms.cache.newFetch();
  }

  /**
   * The step that asks for as much as possible of an object that lacks something. Undefined if nothing is
   * possible.
   */
  stepFor(object: JsonObject): Step | undefined {
    const type = String(object.__typename);
    const all = this.#byType.get(type) ?? this.#needingsOf(type);
    this.#byType.set(type, all);
    const isMet = all.map(({ represent }) => represent(object) !== null);
    const key = `${this.#key} ${type} ${isMet.map(Number).join("")}`;
    const compile = () =>
      this.#compile(
        all.filter((_, index) => isMet[index]),
        all.filter((_, index) => !isMet[index]),
      );
    return this.#terms.cache.get(key, compile).step;
  }

  #needingsOf(type: string): Needing[] {
    const { needs, schema } = this.#terms;
    const subgraph = this.#node.serviceName;
    this.#operation ??= entityOperation(this.#node.operation);
    const needing = (selections: Selections, field: EntityField | undefined): Needing => ({
      field,
      represent: compileRepresentation(selections, schema, schema.getType(type)),
      paths: [...pathsOf(selections)],
    });
    const fields = [...entityFields(this.#operation.selectionSet)]
      .filter((asked) => typesWithin(schema, asked.type).has(type))
      .map((asked) => needing(needs.ofField(subgraph, type, asked.type, asked.field), asked));
    return [...fields, ...needs.keysOf(subgraph, type).map((key) => needing(key, undefined))];
  }

  #compile(met: readonly Needing[], unmet: readonly Needing[]): CompiledFetch {
    const asksForMore = met.some(({ field }) => field !== undefined && field.field !== "__typename");
    if (!asksForMore || !met.some(({ field }) => field === undefined)) return NOTHING;
    const told = new Set(met.flatMap(({ paths }) => paths));
    const leftOut = new Set(unmet.flatMap(({ paths }) => paths).filter((path) => !told.has(path)));
    const isUnmet = ({ type, field }: EntityField) =>
      unmet.some((each) => each.field?.type === type && each.field.field === field);
    const { operationDocumentNode: _, ...node } = this.#node;
    return this.#terms.compile({
      ...node,
      ...partOf(this.#operation!, (field) => !isUnmet(field)),
      requires: without(leftOut, node.requires!),
    });
  }
}

/**
 * The types of which a fetch requires something, but no key. The planner asks for a field of one type on an
 * interface that is an object in the subgraph, and then lists the interface's requirements for the other
 * types without their keys.
 */
export function keylessTypes({ serviceName, requires }: FetchNode, needs: FieldNeeds, schema: GraphQLSchema) {
  const keyless = new Set<string>();
  const conditions = requires!.flatMap((selection) =>
    selection.kind === Kind.INLINE_FRAGMENT && selection.typeCondition ? [selection.typeCondition] : [],
  );
  if (new Set(conditions).size < 2) return keyless;
  for (const type of new Set(conditions.flatMap((condition) => [...typesWithin(schema, condition)]))) {
    const applying = requires!.filter(
      (selection) =>
        selection.kind !== Kind.INLINE_FRAGMENT ||
        selection.typeCondition === undefined ||
        typesWithin(schema, selection.typeCondition).has(type),
    );
    const told = new Set(pathsOf(applying));
    const keys = needs.keysOf(serviceName, type);
    const hasKey = keys.some((key) => [...pathsOf(key)].every((path) => told.has(path)));
    if (keys.length > 0 && !hasKey) keyless.add(type);
  }
  return keyless;
}

/** The paths to all fields, with the names of the data: `tins`, `tins.code`. */
function* pathsOf(selections: Selections, above = ""): Generator<string> {
  for (const selection of selections) {
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      yield* pathsOf(selection.selections, above);
      continue;
    }
    const path = above + (selection.alias ?? selection.name);
    yield path;
    if (selection.selections) yield* pathsOf(selection.selections, `${path}.`);
  }
}

function without(leftOut: ReadonlySet<string>, selections: Selections, above = ""): Selections[number][] {
  return selections.flatMap((selection): Selections[number][] => {
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      return [{ ...selection, selections: without(leftOut, selection.selections, above) }];
    }
    const path = above + (selection.alias ?? selection.name);
    if (leftOut.has(path)) return [];
    if (!selection.selections) return [selection];
    return [{ ...selection, selections: without(leftOut, selection.selections, `${path}.`) }];
  });
}
