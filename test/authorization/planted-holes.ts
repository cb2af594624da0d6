/**
 * Holes of the kinds that other gateways have had, each a change of our source. Random operations have to
 * find every one.
 */
import type { PlantedBug } from "../harness/planted-bug.ts";

const TABLE = "gateway/src/authorization/requirement-table.ts";
const NAMES = "gateway/src/authorization/requirement-names.ts";
const AUTHORIZATION = "gateway/src/authorization/authorization.ts";
const GRAPH = "gateway/src/planning/graph.ts";

export const PLANTED_HOLES: readonly PlantedBug[] = [
  {
    // CVE-2025-64173 and its like: what a type protects is open to those who ask by its interface.
    name: "by-interface",
    edits: [
      {
        file: TABLE,
        find: "if (!isInterfaceType(type) || !fieldOf(type, field)) return [];",
        replace: "if (type || field) return [];",
      },
    ],
  },
  {
    // CVE-2025-64530: a field that requires a protected one tells its value.
    name: "by-requires",
    edits: [{ file: TABLE, find: 'typeof requires === "string" ?', replace: 'requires === "" ?' }],
  },
  {
    // CVE-2025-64347: directives under other names are not seen.
    name: "renamed",
    edits: [{ file: NAMES, find: 'own?.(name) ?? ""', replace: "name" }],
  },
  {
    // The type of a value is open, if the field is: so were enums and scalars.
    name: "value-type",
    edits: [{ file: TABLE, find: ", ...this.#at(value)];", replace: "];" }],
  },
  {
    // Two selections of one name are merged, and only the first is looked at.
    name: "merged",
    edits: [
      {
        file: "gateway/src/execution/shape/shape.ts",
        find: "nodes.map(refusalOf).find((each) => each !== undefined)",
        replace: "refusalOf(nodes[0]!)",
      },
    ],
  },
  {
    // What was planned for one is answered to another.
    name: "shared-plan",
    edits: [{ file: GRAPH, find: "{refused.key}`, refused", replace: "{0}`, refused" }],
  },
  {
    // Identities that fail equally many requirements are taken for equal.
    name: "shared-verdict",
    edits: [
      {
        file: AUTHORIZATION,
        find: "const key = numbers.join();",
        replace: "const key = String(numbers.length);",
      },
    ],
  },
  {
    // Refused fields are null, and are fetched all the same.
    name: "fetched",
    edits: [
      {
        file: GRAPH,
        find: "planned: split.planned && withoutRefused(split.planned)",
        replace: "planned: wholeOperation(withNamesApart(document, this.#namesRead)).planned",
      },
    ],
  },
  {
    // What is deferred is not looked at.
    name: "deferred",
    edits: [
      {
        file: GRAPH,
        find: "refused ? refused.mark(document) : document, this",
        replace: "refused && !outcome ? refused.mark(document) : document, this",
      },
    ],
  },
  {
    // The service is not told who asks, and takes everybody for a visitor, or an answer for everybody's.
    name: "untold",
    edits: [
      {
        file: "gateway/src/sources/ask-terms.ts",
        find: "return mayRepeat && !isProtected ? undefined",
        replace: "return mayRepeat || isProtected ? undefined",
      },
    ],
  },
];
