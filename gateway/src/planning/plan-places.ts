/** Finds which choices of a plan depend on each other: those of fields below one place of the answer. */

/** A step of a way: an edge of the planner's graph, and the part of the operation that needs it. */
interface Hop {
  edge: Edge | null;
  trigger: Trigger;
}

interface Edge {
  index: number;
  head: { index: number; source: string };
  tail: { index: number; source: string };
}

/**
 * A field or fragment of the operation, or a trigger of the planner itself, e.g. for a step to another
 * subgraph.
 */
type Trigger = { kind?: string; responseName?: () => string } | null;

/** Ways through the subgraphs to fields: the planner's PathTree. */
export interface WayTree {
  readonly graph: unknown;
  readonly vertex: unknown;
  readonly localSelections: unknown;
  readonly triggerEquality: unknown;
  readonly childs: readonly { trigger: Trigger; tree: WayTree }[];
  readonly constructor: unknown;
  childElements(): Iterable<[Edge | null, Trigger, unknown, WayTree]>;
  merge(other: WayTree): WayTree;
}

type WayTreeClass = new (
  graph: unknown,
  vertex: unknown,
  localSelections: undefined,
  triggerEquality: unknown,
  childs: WayTree["childs"],
) => WayTree;

/** The field names from the root down to a place of the answer. */
export type Path = readonly string[];

/** A place below which the ways part, and the ways to each group of fields that the same ways reach. */
export interface Fork {
  path: Path;
  ways: WayTree[][];
}

/** @param choices for each field that several ways reach: those ways */
export function divide(choices: readonly WayTree[][]): Fork[] {
  const read = choices.map((ways) => ({ ways, steps: ways.map(stepsOf) }));
  const withPlaces = read.map((choice) => ({ ...choice, path: whereWaysPart(choice.steps) }));
  withPlaces.sort((a, b) => a.path.length - b.path.length);
  const places = new Map<string, { path: Path; groups: Map<string, WayTree[]> }>();
  for (const { path, ways, steps } of withPlaces) {
    const { groups } = placeAbove(places, path);
    const group = steps.map(lastJump).join("|");
    const known = groups.get(group);
    groups.set(group, known ? known.map((way, i) => way.merge(ways[i]!)) : ways);
  }
  return [...places.values()].map(({ path, groups }) => ({ path, ways: [...groups.values()] }));
}

/** The place at this path or above it; a new one if there is none. Shorter paths must come first. */
function placeAbove(places: Map<string, { path: Path; groups: Map<string, WayTree[]> }>, path: Path) {
  for (let length = 0; length <= path.length; length++) {
    const known = places.get(path.slice(0, length).join("."));
    if (known) return known;
  }
  const made = { path, groups: new Map<string, WayTree[]>() };
  places.set(path.join("."), made);
  return made;
}

/** The only way of a tree, down to where the tree forks. */
function stepsOf(way: WayTree): Hop[] {
  const steps: Hop[] = [];
  for (let tree = way; tree.childs.length === 1; ) {
    for (const [edge, trigger, , below] of tree.childElements()) {
      steps.push({ edge, trigger });
      tree = below;
    }
  }
  return steps;
}

function whereWaysPart([first = [], ...others]: readonly Hop[][]): Path {
  const path: string[] = [];
  for (const [i, { edge, trigger }] of first.entries()) {
    const isShared = others.every((steps) => steps[i]?.edge === edge && steps[i]?.trigger === trigger);
    if (!isShared) break;
    const name = nameOf(trigger);
    if (name !== undefined) path.push(name);
  }
  return path;
}

/** A way up to its last step into another subgraph. That subgraph is asked for all that follows. */
function lastJump(steps: readonly Hop[]): string {
  const jump = steps.findLastIndex(({ edge }) => edge && edge.head.source !== edge.tail.source);
  return steps
    .slice(0, jump + 1)
    .map(({ edge, trigger }) => `${edge ? `${edge.head.index}.${edge.index}` : ""} ${trigger}`)
    .join(" ");
}

/** The response name of a field; undefined for any other trigger. */
const nameOf = (trigger: Trigger): string | undefined =>
  trigger?.kind === "Field" ? trigger.responseName!() : undefined;

/**
 * The part of a tree below a place, with the steps that lead there. Undefined if there is nothing below it.
 */
export function withinPlace(tree: WayTree, [name, ...path]: Path): WayTree | undefined {
  if (name === undefined) return tree;
  const childs = tree.childs.flatMap((child) => {
    const own = nameOf(child.trigger);
    if (own !== undefined && own !== name) return [];
    const below = withinPlace(child.tree, own === undefined ? [name, ...path] : path);
    return below ? [{ ...child, tree: below }] : [];
  });
  return childs.length > 0 ? treeOf(tree, childs) : undefined;
}

export function stepCount({ childs }: WayTree): number {
  return childs.reduce((count, { tree }) => count + 1 + stepCount(tree), 0);
}

/** A tree from the same vertex with no ways. */
export const emptyTree = (tree: WayTree): WayTree => treeOf(tree, []);

function treeOf(tree: WayTree, childs: WayTree["childs"]): WayTree {
  const { graph, vertex, triggerEquality } = tree;
  return new (tree.constructor as WayTreeClass)(graph, vertex, undefined, triggerEquality, childs);
}
