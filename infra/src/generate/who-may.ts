/**
 * The table of who may ask for what (docs/who-may.md), made of the directives in the subgraphs' SDL. It is
 * also the check that somebody has decided for each field.
 */
import type { Identity } from "@teranga/kit/identity/identity.ts";
import { VISITOR } from "@teranga/kit/identity/identity.ts";
import { isMet, type Requirement, requirementsOf } from "@teranga/kit/identity/requirement.ts";
import { StartupError } from "@teranga/kit/process/config.ts";
import {
  type ConstDirectiveNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isNonNullType,
  isObjectType,
  parse,
} from "graphql";

/** What the directives at one place of the SDL decide. */
interface Decision {
  isDecided: boolean;
  requirements: Requirement[];
}

/** By coordinate: `Client`, `Client.email`. */
type Decisions = ReadonlyMap<string, Decision>;

interface Asker {
  name: string;
  identity: Identity;
  ifOwn: string;
}

const ASKERS: readonly Asker[] = [
  { name: "visitor", identity: VISITOR, ifOwn: "" },
  { name: "client", identity: { role: "client", clientId: "thies:2" }, ifOwn: "own" },
  {
    name: "city operator",
    identity: { role: "city-operator", subject: "fatou", cityId: "thies" },
    ifOwn: "own city",
  },
  { name: "company operator", identity: { role: "company-operator", subject: "awa" }, ifOwn: "" },
];

/**
 * @param apiSchema the schema that clients see
 * @param sdls of the subgraphs
 * @throws StartupError with a line for each field that nobody has decided about, or that would take the
 * object around it along when it is refused
 */
export function whoMay(apiSchema: GraphQLSchema, sdls: readonly string[]): string {
  const graph = new Graph(apiSchema, readDecisions(sdls));
  const types = Object.values(apiSchema.getTypeMap()).filter(
    (type): type is GraphQLObjectType => isObjectType(type) && !type.name.startsWith("__"),
  );
  const faults = types.flatMap((type) => graph.faultsOf(type));
  if (faults.length > 0) throw new StartupError(`Who may?\n${faults.map((each) => `  ${each}`).join("\n")}`);
  const roots = rootsOf(apiSchema);
  const rest = types.filter((type) => !roots.includes(type)).sort((a, b) => (a.name < b.name ? -1 : 1));
  return [...roots, ...rest].map((type) => graph.sectionOf(type)).join("\n");
}

const rootsOf = (schema: GraphQLSchema): GraphQLObjectType[] =>
  [schema.getQueryType(), schema.getMutationType()].filter((type) => type != null);

function readDecisions(sdls: readonly string[]): Decisions {
  const decisions = new Map<string, Decision>();
  const decide = (coordinate: string, directives: readonly ConstDirectiveNode[] = []) => {
    const known = decisions.get(coordinate) ?? { isDecided: false, requirements: [] };
    const requirements = requirementsOf(directives);
    known.isDecided ||= requirements.length > 0 || directives.some(({ name }) => name.value === "public");
    known.requirements.push(...requirements);
    decisions.set(coordinate, known);
  };
  for (const definition of sdls.flatMap((sdl) => parse(sdl).definitions)) {
    if (definition.kind !== "ObjectTypeDefinition") continue;
    decide(definition.name.value, definition.directives);
    for (const field of definition.fields ?? [])
      decide(`${definition.name.value}.${field.name.value}`, field.directives);
  }
  return decisions;
}

class Graph {
  readonly #schema: GraphQLSchema;
  readonly #decisions: Decisions;
  /** The types whose objects an asker can get at all. */
  readonly #reached: ReadonlyMap<Asker, ReadonlySet<GraphQLObjectType>>;

  constructor(schema: GraphQLSchema, decisions: Decisions) {
    this.#schema = schema;
    this.#decisions = decisions;
    this.#reached = new Map(ASKERS.map((asker) => [asker, this.#reachedBy(asker)]));
  }

  faultsOf(type: GraphQLObjectType): string[] {
    const isDecided = (coordinate: string) => this.#decisions.get(coordinate)?.isDecided === true;
    return Object.values(type.getFields()).flatMap((field) => {
      const coordinate = `${type.name}.${field.name}`;
      if (!isDecided(type.name) && !isDecided(coordinate))
        return [`${coordinate}: nobody has decided. @public, @authenticated, @requiresScopes or @policy?`];
      const asked = this.#asked(type, field);
      const isNarrower = ASKERS.some(
        (asker) => this.#reached.get(asker)!.has(type) && wordFor(asker, asked) === NO,
      );
      if (isNarrower && isNonNullType(field.type))
        return [`${coordinate}: fewer may have it than the object around it, so it must be nullable.`];
      return [];
    });
  }

  /** The fields of a type, those with the same audience in one line. */
  sectionOf(type: GraphQLObjectType): string {
    const lines = new Map<string, string[]>();
    for (const field of Object.values(type.getFields())) {
      const asked = this.#asked(type, field);
      const words = ASKERS.map((asker) =>
        this.#reached.get(asker)!.has(type) ? wordFor(asker, asked) : NO,
      ).join(" | ");
      lines.set(words, [...(lines.get(words) ?? []), `\`${field.name}\``]);
    }
    const rows = Array.from(lines, ([words, names]) => `| ${names.join(", ")} | ${words} |`);
    const head = ["field", ...ASKERS.map(({ name }) => name)];
    return [
      `## ${type.name}\n`,
      `| ${head.join(" | ")} |`,
      `|${" --- |".repeat(head.length)}`,
      ...rows,
      "",
    ].join("\n");
  }

  /** All that is asked of whoever asks for a field. */
  #asked(type: GraphQLObjectType, field: GraphQLField<unknown, unknown>): Requirement[] {
    const places = [type.name, `${type.name}.${field.name}`, getNamedType(field.type).name];
    return places.flatMap((place) => this.#decisions.get(place)?.requirements ?? []);
  }

  #reachedBy(asker: Asker): Set<GraphQLObjectType> {
    // A set hands out what is added while it is walked.
    const reached = new Set(rootsOf(this.#schema));
    for (const type of reached) {
      for (const field of Object.values(type.getFields())) {
        if (wordFor(asker, this.#asked(type, field)) === NO) continue;
        const result = getNamedType(field.type);
        if (isObjectType(result)) reached.add(result);
        if (isAbstractType(result))
          for (const each of this.#schema.getPossibleTypes(result)) reached.add(each);
      }
    }
    return reached;
  }
}

const NO = "–";

function wordFor({ identity, ifOwn }: Asker, asked: readonly Requirement[]): string {
  if (!asked.every((each) => isMet(each, identity))) return NO;
  return asked.every((each) => isMet(each, identity, {})) ? "yes" : ifOwn;
}
