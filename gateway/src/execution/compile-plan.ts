/** Compiles query plans: each node of a plan becomes a function, called once a request. */
import type { FetchNode, PlanNode, QueryPlan, SubscriptionNode } from "@apollo/query-planner";
import type { JsonObject } from "../ground/answer.ts";
import { variableValue } from "../ground/documents.ts";
import type { FetchCompiler } from "./fetch-step.ts";
import type { Run } from "./run.ts";
import { type PlanPath, sitesAt } from "./sites.ts";
import type { Step } from "./step.ts";

export interface CompiledPlan {
  step: Step;
  /** The bytes that it keeps, approximately. */
  weight: number;
}

export interface PlanTerms {
  fetches: FetchCompiler;
  /** The defaults of the operation's variables. */
  defaults: Readonly<Record<string, unknown>>;
  /** Wraps the step of each fetch. Steps are not wrapped by default. */
  around?: (node: FetchNode, step: Step) => Step;
}

const NOTHING: CompiledPlan = { step: () => {}, weight: 0 };

/** @param plan without Defer nodes (defer-plan.ts takes them apart) */
export function compilePlan({ node }: Pick<QueryPlan, "node">, terms: PlanTerms): CompiledPlan {
  return node ? compileNode(node, terms, []) : NOTHING;
}

/** @param path from the answer's root to the node's sites */
function compileNode(node: PlanNode | SubscriptionNode, terms: PlanTerms, path: PlanPath): CompiledPlan {
  switch (node.kind) {
    case "Sequence":
      return compileSequence(node.nodes, terms, path);
    case "Parallel":
      return compileParallel(node.nodes, terms, path);
    case "Flatten": {
      // Only paths of answers have indexes; a plan's path has none.
      const below = node.path as string[];
      const inner = compileNode(node.node, terms, [...path, ...below]);
      return { ...inner, step: (run, sites) => inner.step(run, sitesAt(sites, below, run.hasShared)) };
    }
    case "Fetch":
      return compileFetchNode(node, terms, path);
    case "Condition":
      return compileCondition(node, terms, path);
    case "Defer":
    case "Subscription":
      throw new Error(`the planner was not asked for a ${node.kind} node`);
    default:
      return node satisfies never;
  }
}

function compileFetchNode(node: FetchNode, { fetches, around }: PlanTerms, path: PlanPath): CompiledPlan {
  const { step, weight } = fetches.compile(node, path);
  const guarded: Step = async (run, sites) => {
    try {
      await step(run, sites);
    } catch (fault) {
      // The plan's other fetches continue: what they bring is still right.
      run.addFault(fault);
    }
  };
  return { step: around?.(node, guarded) ?? guarded, weight };
}

function compileSequence(nodes: readonly PlanNode[], terms: PlanTerms, path: PlanPath): CompiledPlan {
  const { steps, weight } = compileAll(nodes, terms, path);
  const step: Step = async (run, sites) => {
    for (const each of steps) await each(run, sites);
  };
  return { step, weight };
}

function compileParallel(nodes: readonly PlanNode[], terms: PlanTerms, path: PlanPath): CompiledPlan {
  const { steps, weight } = compileAll(nodes, terms, path);
  const step: Step = async (run, sites) => {
    await Promise.all(steps.map((each) => each(run, sites)));
  };
  return { step, weight };
}

function compileAll(nodes: readonly PlanNode[], terms: PlanTerms, path: PlanPath) {
  const compiled = nodes.map((node) => compileNode(node, terms, path));
  return {
    steps: compiled.map(({ step }) => step),
    weight: compiled.reduce((sum, each) => sum + each.weight, 0),
  };
}

function compileCondition(
  node: Extract<PlanNode, { kind: "Condition" }>,
  terms: PlanTerms,
  path: PlanPath,
): CompiledPlan {
  const then = node.ifClause ? compileNode(node.ifClause, terms, path) : NOTHING;
  const otherwise = node.elseClause ? compileNode(node.elseClause, terms, path) : NOTHING;
  const holds = ({ variables }: Run): boolean =>
    variableValue(node.condition, variables, terms.defaults) === true;
  const step = (run: Run, sites: readonly JsonObject[]) => (holds(run) ? then : otherwise).step(run, sites);
  return { step, weight: then.weight + otherwise.weight };
}
