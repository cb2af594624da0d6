/**
 * Names that the gateway keeps apart. Plans read keys and required fields from the data under the fields' own
 * names. If a client gives such a name to another field (`length: name`), plans would read that instead. So
 * such a field is planned and fetched under a name of its own, and gets the client's name in the answer.
 * Other names in a plan never begin with this prefix.
 */
import { type DocumentNode, type FieldNode, Kind, type SelectionSetNode, visit } from "graphql";
import type { ResponsePath } from "./answer.ts";
import { parseFieldSet } from "./documents.ts";
import { argumentsOf, directivesOf, type Supergraph } from "./supergraph.ts";

const APART = "apart_";

/** A name for something that no client asked for: a client's name never begins with a digit. */
export const nameApart = (number: number): string => `${APART}${number}`;

/** Whether a part of a plan may contain such names. */
export const mayHaveNamesApart = (text: string): boolean => text.includes(APART);

/**
 * The client's name for a field that stands in the data under `name`. Undefined if no client asked for it.
 */
export function clientName(name: string): string | undefined {
  if (!name.startsWith(APART)) return name;
  const own = name.slice(APART.length);
  return /^\d/.test(own) ? undefined : own;
}

/** A path in the data as the client sees it, up to the first field that the client did not ask for. */
export function clientPath(path: ResponsePath): ResponsePath {
  const seen: (string | number)[] = [];
  for (const step of path) {
    const own = typeof step === "string" ? clientName(step) : step;
    if (own === undefined) break;
    seen.push(own);
  }
  return seen;
}

/** The names under which a graph's plans read representations. */
export function namesRead(supergraph: Supergraph): ReadonlySet<string> {
  const names = new Set(["__typename"]);
  const addFieldsOf = (set: unknown): void => {
    if (typeof set === "string") addFields(parseFieldSet(set), names);
  };
  for (const type of Object.values(supergraph.schema.getTypeMap())) {
    for (const directive of directivesOf(type, "join__type")) addFieldsOf(argumentsOf(directive).key);
    for (const field of "getFields" in type ? Object.values(type.getFields()) : []) {
      for (const directive of field.astNode?.directives ?? [])
        if (directive.name.value === "join__field") addFieldsOf(argumentsOf(directive).requires);
    }
  }
  return names;
}

function addFields({ selections }: SelectionSetNode, names: Set<string>): void {
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) names.add(selection.name.value);
    if ("selectionSet" in selection && selection.selectionSet) addFields(selection.selectionSet, names);
  }
}

/**
 * A client's document in which fields with one of these names as an alias have names apart.
 * @param read see `namesRead`
 */
export function withNamesApart(document: DocumentNode, read: ReadonlySet<string>): DocumentNode {
  return visit(document, {
    Field(field) {
      // Introspection is answered under the client's own names.
      if (field.name.value === "__schema" || field.name.value === "__type") return false;
      const name = field.alias?.value ?? field.name.value;
      if (!name.startsWith(APART) && (name === field.name.value || !read.has(name))) return undefined;
      return { ...field, alias: { kind: Kind.NAME, value: `${APART}${name}` } } satisfies FieldNode;
    },
  });
}
