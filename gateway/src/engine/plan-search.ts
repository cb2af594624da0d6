/**
 * The search for the best plan, in the place of the planner's own, which tries every combination of the ways to each field: two ways to a
 * city's name are 2^50 plans for 50 products, and with more than 10,000 of them the planner drops ways without a look.
 *
 * What is below different places of an answer shares no fetch, so the best plan below one place is the same whatever is chosen below others:
 * each place is searched on its own. And fields that can be had by the same ways below one place are best had by one of them together.
 */
import planner from "@apollo/query-planner/dist/generateAllPlans.js";
import { divide, emptyTree, type WayTree, withinPlace } from "./plan-places.ts";

/** As many combinations as this, or fewer, are tried as the planner does it. */
const WHOLE_MAX = 16;
/** How many combinations are tried for one operation, about: each place has its share. A plan of 50 products takes 2 ms to try. */
const COMBINATIONS_MAX = 1_000;
/** What a place may try at least, so that a big operation does not get worse plans than each of its parts. */
const COMBINATIONS_MIN = 4;

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

// The planner has no setting for it, but calls the search through its module: other planners in this process keep theirs.
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
  if (combinations(toAdd) <= WHOLE_MAX) return searchWhole(question) as Found;
  const places = divide(toAdd);
  const combinationsMax = Math.max(COMBINATIONS_MIN, COMBINATIONS_MAX / places.length);
  const chosen = places.flatMap(({ path, ways }) => {
    const fixed = withinPlace(initial.tree, path);
    const start = fixed ? addFct(emptyPlan(initial), fixed) : emptyPlan(initial);
    return bestWays({ ...question, initial: start, toAdd: narrowed(ways, combinationsMax) });
  });
  const best = addFct(
    initial,
    chosen.reduce((all, way) => all.merge(way)),
  );
  return { best, cost: costFct(best) };
}

function bestWays({ initial, toAdd, addFct, costFct }: Question): readonly WayTree[] {
  interface Chosen {
    plan: Plan;
    ways: readonly WayTree[];
  }
  const { best } = searchWhole({
    initial: { plan: initial, ways: [] },
    toAdd,
    addFct: ({ plan, ways }: Chosen, way: WayTree): Chosen => ({
      plan: addFct(plan, way),
      ways: [...ways, way],
    }),
    costFct: ({ plan }: Chosen) => costFct(plan),
  }) as { best: Chosen };
  return best.ways;
}

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

/** The first ways have the fewest fetches; the last are dropped where there are most. */
function narrowed(ways: readonly WayTree[][], combinationsMax: number): WayTree[][] {
  const kept = ways.map((each) => [...each]);
  while (combinations(kept) > combinationsMax) {
    kept.reduce((most, each) => (each.length > most.length ? each : most)).pop();
  }
  return kept;
}

function combinations(ways: readonly (readonly WayTree[])[]): number {
  return ways.reduce((product, each) => product * each.length, 1);
}
