/**
 * Merged pages, the planning side. The gateway needs each row's cursor and whether more rows follow, even if
 * the client does not ask for them, under names that no alias uses. And each partition may begin at another
 * position. So a field with @merge is sent with two more selections and a variable for `after`. The plan
 * notes the client's names for the parts of the page.
 */
import { type FieldNode, Kind, type SelectionNode, type SelectionSetNode } from "graphql";

export const PAGE_INFO_FIELDS = ["hasNextPage", "hasPreviousPage", "startCursor", "endCursor"] as const;
export type PageInfoField = (typeof PAGE_INFO_FIELDS)[number];

/** The meaning of a response name in the client's page. */
export type PagePart =
  /** `cursors`: the response names of the edges' cursors. */
  | { kind: "edges"; cursors: Set<string> }
  | { kind: "pageInfo"; fields: Map<string, PageInfoField> }
  | { kind: "totalCount" }
  | { kind: "complete" }
  | { kind: "missing" };

/** Where the parts of a page stand in the partitions' answers, and where they go in the client's. */
export interface PagePlan {
  /** By response name. `__typename` is left out: it is the same in all pages. */
  parts: Map<string, PagePart>;
  /** The alias of the edges that select only their `cursor`. */
  edgesToken: string;
  /** The alias of the page info that selects only `hasNextPage`. */
  pageInfoToken: string;
  /** The variable for the position where the partition's page begins. */
  afterVariable: string;
}

/** Plans the merged fields of one operation. */
export class PagePlanner {
  /** By response name: fields of one response name are one field to the partitions, so they share a plan. */
  readonly plans = new Map<string, PagePlan>();
  readonly #prefix: string;

  /** @param text the whole operation: no token may occur in it */
  constructor(text: string) {
    let prefix = "merge_";
    while (text.includes(prefix)) prefix = `_${prefix}`;
    this.#prefix = prefix;
  }

  /** @param missing the name of the page's list of missing partitions */
  plan(field: FieldNode, missing: string): { field: FieldNode; plan: PagePlan } {
    const plan = this.#planOf(field.alias?.value ?? field.name.value);
    addParts(field.selectionSet!, missing, plan.parts);
    const selections = [
      ...field.selectionSet!.selections,
      selection(plan.edgesToken, "edges", "cursor"),
      selection(plan.pageInfoToken, "pageInfo", "hasNextPage"),
    ];
    const others = (field.arguments ?? []).filter(({ name }) => name.value !== "after");
    const value = { kind: Kind.VARIABLE, name: nameNode(plan.afterVariable) } as const;
    const after = { kind: Kind.ARGUMENT, name: nameNode("after"), value } as const;
    const selectionSet = { kind: Kind.SELECTION_SET, selections } as const;
    return { field: { ...field, arguments: [...others, after], selectionSet }, plan };
  }

  #planOf(responseName: string): PagePlan {
    const known = this.plans.get(responseName);
    if (known) return known;
    const plan = {
      parts: new Map<string, PagePart>(),
      edgesToken: `${this.#prefix}edges`,
      pageInfoToken: `${this.#prefix}pageInfo`,
      afterVariable: `${this.#prefix}after_${this.plans.size}`,
    };
    this.plans.set(responseName, plan);
    return plan;
  }
}

const nameNode = (value: string) => ({ kind: Kind.NAME, value }) as const;

/** `alias: field { inner }` */
function selection(alias: string, field: string, inner: string): FieldNode {
  const selections = [{ kind: Kind.FIELD, name: nameNode(inner) } as const];
  const selectionSet = { kind: Kind.SELECTION_SET, selections } as const;
  return { kind: Kind.FIELD, alias: nameNode(alias), name: nameNode(field), selectionSet };
}

/** Includes fields whose conditions do not hold: they are just missing in the answers. */
function addParts(selectionSet: SelectionSetNode, missing: string, parts: Map<string, PagePart>): void {
  for (const field of fieldsOf(selectionSet)) {
    const responseName = field.alias?.value ?? field.name.value;
    const part = parts.get(responseName) ?? newPart(field.name.value, missing);
    if (!part) continue;
    parts.set(responseName, part);
    for (const inner of field.selectionSet ? fieldsOf(field.selectionSet) : []) {
      const innerName = inner.alias?.value ?? inner.name.value;
      if (part.kind === "edges" && inner.name.value === "cursor") part.cursors.add(innerName);
      const pageInfoField = PAGE_INFO_FIELDS.find((name) => name === inner.name.value);
      if (part.kind === "pageInfo" && pageInfoField) part.fields.set(innerName, pageInfoField);
    }
  }
}

/** merge-rules.ts ensures that a page has no other fields. */
function newPart(fieldName: string, missing: string): PagePart | undefined {
  switch (fieldName) {
    case "edges":
      return { kind: "edges", cursors: new Set() };
    case "pageInfo":
      return { kind: "pageInfo", fields: new Map() };
    case "totalCount":
    case "complete":
      return { kind: fieldName };
    default:
      return fieldName === missing ? { kind: "missing" } : undefined;
  }
}

/** The fields of a selection set and of its inline fragments. */
function* fieldsOf({ selections }: SelectionSetNode): Generator<FieldNode> {
  for (const selection of selections as readonly SelectionNode[]) {
    if (selection.kind === Kind.FIELD) yield selection;
    if (selection.kind === Kind.INLINE_FRAGMENT) yield* fieldsOf(selection.selectionSet);
  }
}
