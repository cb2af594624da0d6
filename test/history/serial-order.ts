/**
 * Finds an order of the commits that agrees with all clocks, or proves that none exists.
 *
 * A clock is anything that orders commits: the lock of a stock row (the ids of its movements), the lock of a
 * wallet (the ids of its entries), the clients' watch. Each clock gives an interval in which the commit point
 * lies. A commit is before another if, by any clock, its interval ends before the other's begins. The run was
 * serialisable if the relations of all clocks together have no cycle: the commits could then have happened
 * one by one in any order that keeps the relations.
 */

export interface Clock {
  /** The name for people: `stock of 101 in dakar`. */
  name: string;
  intervals: Interval[];
}

export interface Interval {
  /** The commit. */
  id: string;
  /** The beginning of the interval; may be -Infinity. */
  first: number;
  /** The end of the interval; may be Infinity. */
  last: number;
}

export type SerialOrder = { kind: "order"; ids: string[] } | { kind: "cycle"; steps: string[] };

/** A node for each commit, and one for each moment at which an interval ends. */
interface Graph {
  successors: Map<string, string[]>;
  predecessors: Map<string, number>;
}

export function findSerialOrder(ids: Iterable<string>, clocks: readonly Clock[]): SerialOrder {
  const graph: Graph = { successors: new Map(), predecessors: new Map() };
  const commits = new Set(ids);
  for (const id of commits) addNode(graph, id);
  for (const clock of clocks) addClock(graph, clock);
  const ordered: string[] = [];
  const ready = [...graph.predecessors].filter(([, count]) => count === 0).map(([id]) => id);
  // Each node becomes ready at most once, so this loop ends.
  for (let index = 0; index < ready.length; index++) {
    const node = ready[index]!;
    ordered.push(node);
    for (const next of graph.successors.get(node)!) {
      const left = graph.predecessors.get(next)! - 1;
      graph.predecessors.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
  if (ordered.length === graph.successors.size)
    return { kind: "order", ids: ordered.filter((id) => commits.has(id)) };
  return { kind: "cycle", steps: findCycle(graph, new Set(ordered)) };
}

/**
 * Adds a clock's relations with two edges for each commit instead of one for each pair. The moments at which
 * intervals end form a chain. A commit is before the moment of its end, and after the last moment before its
 * beginning.
 */
function addClock(graph: Graph, { name, intervals }: Clock): void {
  const moments = [...new Set(intervals.map(({ last }) => last))]
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  const nodeOf = (moment: number) => `${name} @ ${moment}`;
  moments.forEach((moment, index) => {
    addNode(graph, nodeOf(moment));
    if (index > 0) addEdge(graph, nodeOf(moments[index - 1]!), nodeOf(moment));
  });
  for (const { id, first, last } of intervals) {
    if (Number.isFinite(last)) addEdge(graph, id, nodeOf(last));
    const before = countBelow(moments, first);
    if (before > 0) addEdge(graph, nodeOf(moments[before - 1]!), id);
  }
}

/** How many of the sorted numbers are below the limit. */
function countBelow(sorted: readonly number[], limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function addNode(graph: Graph, id: string): void {
  if (graph.successors.has(id)) return;
  graph.successors.set(id, []);
  graph.predecessors.set(id, 0);
}

function addEdge(graph: Graph, from: string, to: string): void {
  addNode(graph, from);
  addNode(graph, to);
  graph.successors.get(from)!.push(to);
  graph.predecessors.set(to, graph.predecessors.get(to)! + 1);
}

/**
 * Finds a cycle. Every node that never became ready has such a node as a predecessor, so a walk backwards
 * must meet itself.
 */
function findCycle({ successors }: Graph, ordered: ReadonlySet<string>): string[] {
  const before = new Map<string, string>();
  for (const [node, nexts] of successors) {
    if (!ordered.has(node)) for (const next of nexts) before.set(next, node);
  }
  const seen = new Map<string, number>();
  const path: string[] = [];
  let node = [...successors.keys()].find((id) => !ordered.has(id))!;
  while (!seen.has(node)) {
    seen.set(node, path.length);
    path.push(node);
    node = before.get(node)!;
  }
  return [...path.slice(seen.get(node)), node].reverse();
}
