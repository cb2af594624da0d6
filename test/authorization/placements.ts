/** Directives at random places of a supergraph, under random names. */

import {
  type ConstDirectiveNode,
  type DocumentNode,
  Kind,
  type ObjectTypeDefinitionNode,
  parse,
  print,
} from "graphql";
import type { Random } from "../harness/random.ts";

/** A directive at a type (`Person`) or a field (`Person.email`). */
export interface Placement {
  where: string;
  directive: "authenticated" | "requiresScopes" | "policy";
  anyOf: readonly (readonly string[])[];
  /** Its name in the schema. */
  as: string;
}

const CHOICES: readonly Pick<Placement, "directive" | "anyOf">[] = [
  { directive: "authenticated", anyOf: [] },
  { directive: "requiresScopes", anyOf: [["client"]] },
  { directive: "requiresScopes", anyOf: [["city:operate"], ["company:operate"]] },
  { directive: "requiresScopes", anyOf: [["client", "company:operate"]] },
  { directive: "policy", anyOf: [["own client"]] },
  { directive: "policy", anyOf: [["own client"], ["own city"]] },
  { directive: "policy", anyOf: [["own client", "nobody has this one"], ["own city"]] },
];
const NAMES = { authenticated: "signedIn", requiresScopes: "scoped", policy: "ruled" };
const TYPES = ["Person", "Tool", "Card", "Box", "Grade", "Secret"];
const FIELDS: Record<string, string> = {
  Query: "person people node nodes anything tool box name",
  Mutation: "rename must count",
  Person: "name twin email grade secret friend friends card code any greeting opening closing age shelf row",
  Tool: "name twin price grade owner shelf row",
  Card: "number kind owner",
  Box: "inner size tools",
};

export function drawPlacements(random: Random): Placement[] {
  const isRenamed = random.next() < 0.4;
  const fields = Object.entries(FIELDS).flatMap(([type, names]) =>
    names.split(" ").map((name) => `${type}.${name}`),
  );
  const places = [...TYPES.filter(() => random.next() < 0.12), ...fields.filter(() => random.next() < 0.2)];
  return places.map((where) => {
    const choice = random.pick(CHOICES);
    return { where, ...choice, as: isRenamed ? NAMES[choice.directive] : choice.directive };
  });
}

/** @param sdl a supergraph that links the directives */
export function withPlacements(sdl: string, placements: readonly Placement[]): string {
  let linked = sdl;
  for (const { directive, as } of placements) {
    if (as === directive) continue;
    linked = linked
      .replace(
        `${directive}/v0.1", for:`,
        `${directive}/v0.1", import: [{ name: "@${directive}", as: "@${as}" }], for:`,
      )
      .replaceAll(new RegExp(`@${directive}\\b(?!", as)`, "g"), `@${as}`);
  }
  const at = (where: string) => placements.filter((each) => each.where === where).map(nodeOf);
  const document: DocumentNode = parse(linked);
  const definitions = document.definitions.map((node) => {
    if (!("name" in node) || !node.name || !("directives" in node)) return node;
    const type = node.name.value;
    const directives = [...(node.directives ?? []), ...at(type)];
    if (node.kind !== Kind.OBJECT_TYPE_DEFINITION) return { ...node, directives };
    const fields = node.fields?.map((field) => ({
      ...field,
      directives: [...(field.directives ?? []), ...at(`${type}.${field.name.value}`)],
    }));
    return { ...node, directives, fields };
  });
  return print({ ...document, definitions } as DocumentNode);
}

function nodeOf({ directive, anyOf, as }: Placement): ConstDirectiveNode {
  const argument = { authenticated: "", requiresScopes: "scopes", policy: "policies" }[directive];
  const given = argument && `(${argument}: ${JSON.stringify(anyOf)})`;
  const [type] = parse(`type T @${as}${given} { a: Int }`, { noLocation: true }).definitions;
  return (type as ObjectTypeDefinitionNode).directives![0]!;
}
