/** Puts the real fields back into a plan that was made with stand-ins (`stand-ins.ts`). */
import type { FetchNode, PlanNode, QueryPlan } from "@apollo/query-planner";
import { parse, visit } from "graphql";
import { printCompact } from "../ground/documents.ts";
import { mayHaveNamesApart } from "../ground/names-apart.ts";
import { readAs, type StandIns } from "../ground/stand-ins.ts";
import { withFetches } from "./plan-fetches.ts";
import { splitByNeeds } from "./split-fetch.ts";

export function withoutStandIns(plan: QueryPlan, standIns: StandIns | undefined): QueryPlan {
  return standIns ? withFetches(plan, (fetch) => inFetch(fetch, standIns)) : plan;
}

function inFetch(node: FetchNode, standIns: StandIns): PlanNode {
  const parts = splitByNeeds(node, standIns).map((part) => withRealFields(part, standIns));
  if (parts.length === 1) return parts[0]!;
  if (node.id === undefined) return { kind: "Parallel", nodes: parts };
  // A deferred part that waits for this fetch must wait for all of its parts, so the last part has the id.
  const nodes = parts.map(({ id, ...part }, index) =>
    id !== undefined && index === parts.length - 1 ? { ...part, id } : part,
  );
  return { kind: "Sequence", nodes };
}

function withRealFields(node: FetchNode, standIns: StandIns): FetchNode {
  const { operationDocumentNode: _, ...fetch } = node;
  const { requires } = node;
  return {
    ...fetch,
    operation: realFields(node.operation, standIns),
    ...(requires && { requires: requires.map((selection) => readAs(selection, standIns)) }),
  };
}

/** The text for a subgraph: `apart_1` becomes `apart_1: price(currency: EUR)`. */
function realFields(text: string, { fields }: StandIns): string {
  if (!mayHaveNamesApart(text)) return text;
  const document = visit(parse(text, { noLocation: true }), {
    Field(field) {
      const real = fields.get(field.name.value);
      return real && { ...field, ...real, alias: field.alias ?? field.name };
    },
  });
  return printCompact(document);
}
