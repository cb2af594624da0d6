/**
 * Random operations by random identities on graphs with directives at random places, against the reference.
 * What is wrong is a leak: a value, or a question to a service, that the reference refuses; or a value that
 * is missing.
 */
import { isDeepStrictEqual } from "node:util";
import { requestOf } from "@teranga/gateway/fixture/engine.ts";
import { IDENTITY_HEADER } from "@teranga/kit/identity/assertion.ts";
import { type Identity, VISITOR } from "@teranga/kit/identity/identity.ts";
import {
  type DocumentNode,
  getOperationAST,
  isObjectType,
  OperationTypeNode,
  parse,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
} from "graphql";
import { createRandom, type Random } from "../harness/random.ts";
import { OperationDrawer, VARIABLES } from "./operations.ts";
import { drawPlacements } from "./placements.ts";
import { Reference } from "./reference.ts";
import { asMonolith, openWorld } from "./world.ts";

const IDENTITIES: readonly Identity[] = [
  VISITOR,
  { role: "client", clientId: "thies:2" },
  { role: "city-operator", subject: "fatou", cityId: "thies" },
  { role: "company-operator", subject: "awa" },
];
const OPERATIONS_A_GRAPH = 30;
/** The keys of entities are fetched for whoever asks: they are not shown. */
const NEVER_PLACED = new Set(["id", "__typename", "_entities", "_service"]);

export interface Outcome {
  operations: number;
  /** The places at which something was refused. */
  refusals: number;
  /**
   * Operations that the query planner fails on, for whoever asks: it has such faults with interface objects.
   */
  unplanned: number;
  /** One line each; the first is the reason to stop. */
  leaks: string[];
}

export async function runOperations(count: number, seed: string): Promise<Outcome> {
  const random = createRandom(seed);
  const outcome: Outcome = { operations: 0, refusals: 0, unplanned: 0, leaks: [] };
  while (outcome.operations < count && outcome.leaks.length === 0) {
    const round = new Round(random, outcome);
    for (let each = 0; each < OPERATIONS_A_GRAPH && outcome.leaks.length === 0; each++) await round.next();
  }
  return outcome;
}

interface Drawn {
  text: string;
  document: DocumentNode;
  isDeferred: boolean;
}

/** One graph. */
class Round {
  readonly #random: Random;
  readonly #outcome: Outcome;
  readonly #world: ReturnType<typeof openWorld>;
  readonly #schema: ReturnType<typeof asMonolith>;
  readonly #reference: Reference;
  readonly #places: string;

  constructor(random: Random, outcome: Outcome) {
    const placements = drawPlacements(random);
    this.#random = random;
    this.#outcome = outcome;
    this.#world = openWorld(placements);
    this.#schema = asMonolith(this.#world.graph.apiSchema);
    this.#reference = new Reference(this.#schema, placements);
    this.#places = placements
      .map(({ where, as, anyOf }) => `${where} @${as}${JSON.stringify(anyOf)}`)
      .join(", ");
  }

  /** One operation, by everybody: what one may have must not help another. */
  async next(): Promise<void> {
    const isDeferred = this.#random.next() < 0.25;
    const text = new OperationDrawer(this.#schema, this.#random, isDeferred).draw();
    const document = parse(text);
    if (validate(this.#world.graph.apiSchema, document).length > 0) return;
    this.#outcome.operations++;
    try {
      await this.#byEverybody({ text, document, isDeferred });
    } catch (error) {
      if ((error as Error).message !== "the query planner failed") throw error;
      this.#outcome.unplanned++;
    }
  }

  async #byEverybody({ text, document, isDeferred }: Drawn): Promise<void> {
    const from = this.#random.between(0, 3);
    for (let each = 0; each < IDENTITIES.length; each++) {
      const identity = IDENTITIES[(from + each) % IDENTITIES.length]!;
      const wrong = isDeferred
        ? await this.#inParts(document, identity)
        : await this.#atOnce(text, document, identity);
      const leaks = [...wrong, ...this.#askedWrongly(identity)];
      if (leaks.length === 0) continue;
      this.#outcome.leaks.push(`${identity.role}: ${leaks[0]}\n${text}\n${this.#places}`);
      return;
    }
  }

  async #atOnce(text: string, document: DocumentNode, identity: Identity): Promise<string[]> {
    const { graph, asked, newContext } = this.#world;
    asked.length = 0;
    const request = requestOf(graph, text, { variables: VARIABLES, context: newContext(identity) });
    const { data = null, errors = [] } = await graph.execute(request);
    this.#outcome.refusals += errors.length;
    const told = JSON.stringify({ data, errors });
    const expected = await this.#reference.answer(document, { identity, variables: VARIABLES });
    const given: unknown = JSON.parse(JSON.stringify(data));
    const other = errors.find(({ extensions }) => extensions.code !== "UNAUTHORIZED_FIELD");
    return [
      ...this.#shown(told, identity),
      ...(isDeepStrictEqual(given, expected)
        ? []
        : [`${JSON.stringify(given)}\nis not ${JSON.stringify(expected)}`]),
      ...(other ? [`an error: ${other.message}`] : []),
    ];
  }

  async #inParts(document: DocumentNode, identity: Identity): Promise<string[]> {
    const { graph, asked, newContext } = this.#world;
    asked.length = 0;
    const asking = { document, operationName: undefined, variables: VARIABLES };
    const answer = await graph.beginDeferred(asking, newContext(identity));
    if (!answer) return [];
    const parts: unknown[] = [await answer.first()];
    while (answer.hasNext) parts.push(...(await answer.next()));
    return this.#shown(JSON.stringify(parts), identity);
  }

  /** The values of an answer that the identity may not have, on the type that they are of. */
  #shown(told: string, identity: Identity): string[] {
    const found = [...told.matchAll(/<(\w+)\.(\w+) of/g)].map(([, type, field]) => ({ type, field }));
    return found.flatMap(({ type, field }) => {
      const own = this.#schema.getType(type!)!;
      // Of a value of the interface object only the interface is known.
      if (!isObjectType(own)) return [];
      return this.#reference.may(identity, own, field!) ? [] : [`${type}.${field} is shown`];
    });
  }

  #askedWrongly(identity: Identity): string[] {
    return this.#world.asked.flatMap(({ query, headers }) => {
      const document = parse(query);
      const fields = this.#fieldsOf(document);
      const refused = fields.find(({ type, field }) => !this.#reference.may(identity, type, field));
      const isMutation = getOperationAST(document)!.operation === OperationTypeNode.MUTATION;
      const isProtected = fields.some(({ type, field }) => !this.#reference.may(VISITOR, type, field));
      const mustTell = identity.role !== "visitor" && (isProtected || isMutation);
      return [
        ...(refused ? [`${refused.type.name}.${refused.field} is fetched: ${query}`] : []),
        ...(mustTell && headers[IDENTITY_HEADER] === undefined ? [`nobody is told who asks: ${query}`] : []),
      ];
    });
  }

  /** The fields of objects that a service was asked for. */
  #fieldsOf(document: DocumentNode) {
    const types = new TypeInfo(this.#world.graph.supergraph.schema);
    const fields: { type: NonNullable<ReturnType<typeof types.getParentType>>; field: string }[] = [];
    const onField = ({ name }: { name: { value: string } }) => {
      const type = types.getParentType();
      if (isObjectType(type) && !NEVER_PLACED.has(name.value)) fields.push({ type, field: name.value });
    };
    visit(document, visitWithTypeInfo(types, { Field: onField }));
    return fields;
  }
}
