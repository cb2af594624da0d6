/** Compiles the plan of an operation, part by part. */
import type { DeferNode, PlanNode, QueryPlan } from "@apollo/query-planner";
import { compilePlan, type PlanTerms } from "../compile-plan.ts";
import type { PartPlan } from "../part.ts";

export interface PartPlans {
  primary: PartPlan;
  /** By the ids of the fragments. */
  deferred: ReadonlyMap<string, PartPlan>;
  weight: number;
}

type PlannedPart = Pick<DeferNode["deferred"][number], "node" | "depends" | "queryPath">;

const WAITS_FOR_NOTHING = { awaitsParent: false, awaitedFetches: new Set<string>(), fetchIds: [] };

export function compileParts(plan: QueryPlan, terms: PlanTerms): PartPlans {
  const { node } = plan;
  if (node?.kind !== "Defer") {
    const primary = { ...compilePlan(plan, terms), ...WAITS_FOR_NOTHING };
    return { primary, deferred: new Map(), weight: primary.weight };
  }
  const deferred = new Map<string, PartPlan>();
  const primary = compilePart({ node, depends: [], queryPath: [] }, terms, deferred);
  const weight = [primary, ...deferred.values()].reduce((sum, part) => sum + part.weight, 0);
  return { primary, deferred, weight };
}

/** @param deferred receives the plans of the fragments inside this part */
function compilePart(
  { node, depends, queryPath }: PlannedPart,
  terms: PlanTerms,
  deferred: Map<string, PartPlan>,
): PartPlan {
  const own: PlanNode | undefined = node?.kind === "Defer" ? node.primary.node : node;
  const fetchIds: string[] = [];
  const around: PlanTerms["around"] = (fetch, step) => {
    const { id } = fetch;
    if (id !== undefined) fetchIds.push(id);
    const inner = terms.around?.(fetch, step) ?? step;
    return async (run, sites) => {
      if (run.fetching?.isOver) return;
      await inner(run, sites);
      if (id !== undefined) run.fetching?.ended(id);
    };
  };
  const { step, weight } = compilePlan(own ? { node: own } : {}, { ...terms, around });
  const awaitedFetches = new Set(own ? depends.map(({ id }) => id) : []);
  const awaitsParent = awaitedFetches.size === 0 && queryPath.length > 0;
  for (const each of node?.kind === "Defer" ? node.deferred : []) {
    const part = compilePart(each, terms, deferred);
    deferred.set(each.label!, part);
    // Inner fragments continue from this part's data, so this part must wait for the fetches that they wait
    // for.
    for (const id of part.awaitedFetches) awaitedFetches.add(id);
  }
  for (const id of fetchIds) awaitedFetches.delete(id);
  return { step: own && step, awaitsParent, awaitedFetches, fetchIds, weight };
}
