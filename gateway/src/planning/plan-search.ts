/**
 * Searches for the best plan in place of the planner's own search. That search tries every combination of the
 * ways to each field: two ways to a city's name are 2^50 plans for 50 products, and beyond 10,000 plans it
 * drops ways without evaluating them.
 *
 * Fields below different places of an answer share no fetch, so the best plan below one place does not depend
 * on the choices below others, and each place is searched on its own. Fields below one place that the same
 * ways reach take the same way together.
 */
import planner from "@apollo/query-planner/dist/generateAllPlans.js";
import { divide, emptyTree, stepCount, type WayTree, withinPlace } from "./plan-places.ts";

/** With this few combinations the planner's own search is fast. */
const COMBINATIONS_MAX = 16;
/**
 * About how many plan steps are evaluated for one operation: 1,000 steps take 3 ms. 50 products with their
 * cities have 300 steps.
 */
const STEPS_MAX = 10_000;
/** The tries that a place with one choice between two ways needs. */
const TRIES_MIN = 2;

/** The fetches of a plan, in the planner's form during its search. */
interface FetchGraph {
  supergraphSchema: unknown;
  federatedQueryGraph: unknown;
  startingIdGen: number;
  generateQueryFragments: boolean;
  deferTracking: { primarySelection?: { parentType: unknown } };
  constructor: unknown;
}

interface FetchGraphClass {
  create(
    schema: unknown,
    queryGraph: unknown,
    startingIdGen: number,
    rootTypeForDefer: unknown,
    generatesFragments: boolean,
  ): FetchGraph;
}

interface Plan {
  graph: FetchGraph;
  tree: WayTree;
}

/** The planner's request for a search: `toAdd` has, for each field that several ways reach, those ways. */
interface Question {
  initial: Plan;
  toAdd: WayTree[][];
  addFct: (plan: Plan, way: WayTree) => Plan;
  costFct: (plan: Plan) => number;
}

interface Found {
  best: Plan;
  cost: number;
}

const searchWhole = planner.generateAllPlansAndFindBest as (question: unknown) => unknown;
let isOurs = false;

// The planner has no setting for the search, but calls it through its module. Other planners in this process
// keep their own search.
planner.generateAllPlansAndFindBest = ((question: unknown) =>
  isOurs
    ? search(question as Question)
    : searchWhole(question)) as typeof planner.generateAllPlansAndFindBest;

/** Runs the planner with our search. */
export function withOurSearch<Planned>(plan: () => Planned): Planned {
  isOurs = true;
  try {
    return plan();
  } finally {
    isOurs = false;
  }
}

function search(question: Question): Found {
  const { initial, toAdd, addFct, costFct } = question;
  const steps = stepCount(initial.tree) + toAdd.reduce((sum, [first]) => sum + stepCount(first!), 0);
  const triesMax = Math.max(TRIES_MIN, STEPS_MAX / steps);
  if (combinations(toAdd) <= Math.min(COMBINATIONS_MAX, triesMax)) return searchWhole(question) as Found;
  const places = divide(toAdd);
  const chosen = places.flatMap(({ path, ways }) => {
    const fixed = withinPlace(initial.tree, path);
    const start = fixed ? addFct(emptyPlan(initial), fixed) : emptyPlan(initial);
    return bestWays({ ...question, initial: start, toAdd: ways }, triesMax);
  });
  const best = addFct(initial, mergedOf(chosen));
  return { best, cost: costFct(best) };
}

/** Varies one choice after the other and keeps the best of each while it varies the next. */
function bestWays({ initial, toAdd, addFct, costFct }: Question, triesMax: number): WayTree[] {
  const costOf = (ways: readonly WayTree[]) => costFct(addFct(initial, mergedOf(ways)));
  // The first way to each field has the fewest fetches.
  let best = toAdd.map(([first]) => first!);
  let cost = costOf(best);
  let tries = 1;
  for (const [choice, [, ...others]] of toAdd.entries()) {
    for (const other of others) {
      if (tries++ >= triesMax) return best;
      const ways = best.with(choice, other);
      const itsCost = costOf(ways);
      if (itsCost < cost) [best, cost] = [ways, itsCost];
    }
  }
  return best;
}

const mergedOf = (ways: readonly WayTree[]): WayTree => ways.reduce((all, way) => all.merge(way));

function emptyPlan({ graph, tree }: Plan): Plan {
  const { supergraphSchema, federatedQueryGraph, startingIdGen, generateQueryFragments, deferTracking } =
    graph;
  const rootTypeForDefer = deferTracking.primarySelection?.parentType;
  return {
    graph: (graph.constructor as FetchGraphClass).create(
      supergraphSchema,
      federatedQueryGraph,
      startingIdGen,
      rootTypeForDefer,
      generateQueryFragments,
    ),
    tree: emptyTree(tree),
  };
}

function combinations(ways: readonly (readonly WayTree[])[]): number {
  return ways.reduce((product, each) => product * each.length, 1);
}
