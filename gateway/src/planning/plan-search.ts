/**
 * The search for the best plan, in the place of the planner's own, which tries every combination of the ways
 * to each field: two ways to a city's name are 2^50 plans for 50 products, and with more than 10,000 of them
 * the planner drops ways without a look.
 *
 * What is below different places of an answer shares no fetch, so the best plan below one place is the same
 * whatever is chosen below others: each place is searched on its own. And fields that can be had by the same
 * ways below one place are best had by one of them together.
 */
import planner from "@apollo/query-planner/dist/generateAllPlans.js";
import { divide, emptyTree, stepCount, type WayTree, withinPlace } from "./plan-places.ts";

/** Up to so many combinations the planner's own search takes little. */
const COMBINATIONS_MAX = 16;
/**
 * Steps of plans that are tried for one operation, about: 3 ms for 1,000 of them. 50 products with their
 * cities have 300 steps.
 */
const STEPS_MAX = 10_000;
/** A place with one choice between two ways needs as many tries. */
const TRIES_MIN = 2;

/** The fetches of a plan, as the planner has them while it looks for one. */
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

/** What the planner asks: `toAdd` has the ways to each field that can be had in several. */
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

// The planner has no setting for it, but calls the search through its module: other planners in this process
// keep theirs.
planner.generateAllPlansAndFindBest = ((question: unknown) =>
  isOurs
    ? search(question as Question)
    : searchWhole(question)) as typeof planner.generateAllPlansAndFindBest;

/** Plans with our search. */
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

/** One choice is tried after the other, with what is best so far for the others. */
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
