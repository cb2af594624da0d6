/** Compiles the plan of an operation with @defer, part by part. */
import type { DeferNode, PlanNode, QueryPlan } from "@apollo/query-planner";
import { compilePlan, type PlanTerms } from "../compile-plan.ts";
import type { PartPlan, PartRun } from "./defer-run.ts";

export interface PartPlans {
  primary: PartPlan;
  /** By the ids of the fragments. */
  deferred: ReadonlyMap<string, PartPlan>;
  weight: number;
}

type PlannedPart = Pick<DeferNode["deferred"][number], "node" | "depends" | "queryPath">;

export function compileParts({ node }: QueryPlan, terms: PlanTerms): PartPlans {
  if (node?.kind === "Subscription") throw new Error("subscriptions are not deferred");
  const deferred = new Map<string, PartPlan>();
  const primary = compilePart({ ...(node && { node }), depends: [], queryPath: [] }, terms, deferred);
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
    // Only PartRuns carry out such a plan.
    return (run, sites) => (run as PartRun).carryOut(id, () => inner(run, sites));
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
