/** Which choices of a plan depend on each other: those of fields below one place of the answer. */

/** A step of a way: along an edge of the planner's graph, because of what the operation asks for. */
interface Step {
  edge: Edge | null;
  trigger: Trigger;
}

interface Edge {
  index: number;
  head: { index: number; source: string };
  tail: { index: number; source: string };
}

/**
 * A field or fragment of the operation, or something of the planner's own, e.g. for a step to another
 * subgraph.
 */
type Trigger = { kind?: string; responseName?: () => string } | null;

/** Ways through the subgraphs to fields, as the planner's PathTree has them. */
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

/** The names of the fields down to a place of the answer. */
export type Path = readonly string[];

/**
 * A place below which there are choices, and the ways to each group of fields that can be had by the same
 * ones.
 */
export interface Place {
  path: Path;
  ways: WayTree[][];
}

/** @param choices the ways to each field that can be had in several */
export function divide(choices: readonly WayTree[][]): Place[] {
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

/** The place that a path is below, or at; made if there is none. Shorter paths come first. */
function placeAbove(places: Map<string, { path: Path; groups: Map<string, WayTree[]> }>, path: Path) {
  for (let length = 0; length <= path.length; length++) {
    const known = places.get(path.slice(0, length).join("."));
    if (known) return known;
  }
  const made = { path, groups: new Map<string, WayTree[]>() };
  places.set(path.join("."), made);
  return made;
}

/** The one way of a tree, as far as it does not fork. */
function stepsOf(way: WayTree): Step[] {
  const steps: Step[] = [];
  for (let tree = way; tree.childs.length === 1; ) {
    for (const [edge, trigger, , below] of tree.childElements()) {
      steps.push({ edge, trigger });
      tree = below;
    }
  }
  return steps;
}

function whereWaysPart([first = [], ...others]: readonly Step[][]): Path {
  const path: string[] = [];
  for (const [i, { edge, trigger }] of first.entries()) {
    const isShared = others.every((steps) => steps[i]?.edge === edge && steps[i]?.trigger === trigger);
    if (!isShared) break;
    const name = nameOf(trigger);
    if (name !== undefined) path.push(name);
  }
  return path;
}

/** A way up to where it last goes into another subgraph; what follows is asked for there. */
function lastJump(steps: readonly Step[]): string {
  const jump = steps.findLastIndex(({ edge }) => edge && edge.head.source !== edge.tail.source);
  return steps
    .slice(0, jump + 1)
    .map(({ edge, trigger }) => `${edge ? `${edge.head.index}.${edge.index}` : ""} ${trigger}`)
    .join(" ");
}

/** Undefined of what is no field. */
const nameOf = (trigger: Trigger): string | undefined =>
  trigger?.kind === "Field" ? trigger.responseName!() : undefined;

/** What of a tree is below a place, with what leads there; undefined if there is nothing. */
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

/** A tree from the same vertex without any way. */
export const emptyTree = (tree: WayTree): WayTree => treeOf(tree, []);

function treeOf(tree: WayTree, childs: WayTree["childs"]): WayTree {
  const { graph, vertex, triggerEquality } = tree;
  return new (tree.constructor as WayTreeClass)(graph, vertex, undefined, triggerEquality, childs);
}
