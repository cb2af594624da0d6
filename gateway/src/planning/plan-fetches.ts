/** Visits the fetches of a plan at any depth. */
import type { DeferredNode, FetchNode, PlanNode, QueryPlan } from "@apollo/query-planner";

type Change = (fetch: FetchNode) => PlanNode;

/** The same plan with each fetch replaced by what `change` returns. */
export function withFetches(plan: QueryPlan, change: Change): QueryPlan {
  const { node } = plan;
  // Subscriptions are never planned.
  return !node || node.kind === "Subscription" ? plan : { ...plan, node: changed(node, change) };
}

function changed(node: PlanNode, change: Change): PlanNode {
  const inside = (inner: PlanNode): PlanNode => changed(inner, change);
  switch (node.kind) {
    case "Sequence":
    case "Parallel":
      return { ...node, nodes: node.nodes.map(inside) };
    case "Flatten":
      return { ...node, node: inside(node.node) };
    case "Fetch":
      return change(node);
    case "Condition": {
      const { ifClause, elseClause } = node;
      return {
        ...node,
        ...(ifClause && { ifClause: inside(ifClause) }),
        ...(elseClause && { elseClause: inside(elseClause) }),
      };
    }
    case "Defer": {
      const { primary } = node;
      const deferred = node.deferred.map(
        (part): DeferredNode => ({ ...part, ...(part.node && { node: inside(part.node) }) }),
      );
      return {
        ...node,
        primary: { ...primary, ...(primary.node && { node: inside(primary.node) }) },
        deferred,
      };
    }
    default:
      return node satisfies never;
  }
}
