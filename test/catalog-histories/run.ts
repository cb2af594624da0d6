/** Runs histories side by side in the same databases; each has rows of its own. */
import { isDeepStrictEqual } from "node:util";
import type { History } from "./history.ts";
import { findLoss } from "./losses.ts";
import type { CatalogNode, Compacted, NodeContent, NodeId, Operation, Write } from "./nodes.ts";

/** One history's log at one node, and how much of it each other node has. */
interface Link {
  log: Operation[];
  sent: Map<NodeId, number>;
}

const ownerOf = (id: string) => Number(id.slice(1).split("-")[0]);

/**
 * Runs the histories and lets the nodes come to rest.
 * @returns by seed what is wrong with a history; the others are sound
 */
export async function runHistories(
  nodes: readonly CatalogNode[],
  histories: readonly History[],
): Promise<Map<number, string>> {
  const runs = new Map(histories.map((history) => [history.seed, startRun(history)]));
  const steps = Math.max(...histories.map(({ events }) => events.length));
  for (let step = 0; step < steps; step++) await runStep(nodes, runs, histories, step);
  for (const node of nodes) {
    const rest = histories.flatMap((history) => runs.get(history.seed)!.rest(node.id));
    if (rest.length > 0) await node.apply(rest);
  }
  const contents = new Map<NodeId, Map<number, NodeContent>>();
  for (const node of nodes) contents.set(node.id, bySeed(await node.content()));
  const wrong = new Map<number, string>();
  for (const { seed, nodes } of histories) {
    const found = compare(
      nodes.map((node) => [node, contents.get(node)!.get(seed)!]),
      runs.get(seed)!.written(),
    );
    if (found) wrong.set(seed, found);
  }
  for (const node of nodes) await node.empty();
  return wrong;
}

const byClock = (a: Operation, b: Operation) =>
  order(a.entity, b.entity) ||
  order(a.id, b.id) ||
  a.clock - b.clock ||
  order(a.node, b.node) ||
  a.sequence - b.sequence;
const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

type Run = ReturnType<typeof startRun>;

function startRun({ nodes }: History) {
  const links = new Map<NodeId, Link>(
    nodes.map((node) => [node, { log: [], sent: new Map(nodes.map((other) => [other, 0])) }]),
  );
  const take = (from: NodeId, to: NodeId, count: number) => {
    const { log, sent } = links.get(from)!;
    const at = sent.get(to)!;
    sent.set(to, Math.min(log.length, at + count));
    return log.slice(at, at + count);
  };
  return {
    record: (operation: Operation) => links.get(operation.node)!.log.push(operation),
    /** All that were written, in the order of the clocks. */
    written: () => [...links.values()].flatMap(({ log }) => log).sort(byClock),
    take,
    restart(to: NodeId, again: number) {
      for (const { sent } of links.values()) sent.set(to, Math.max(0, sent.get(to)! - again));
    },
    /** What has not reached a node yet: of the last node first, since any order is right. */
    rest: (to: NodeId) =>
      nodes.includes(to)
        ? [...nodes].reverse().flatMap((from) => (from === to ? [] : take(from, to, Number.MAX_SAFE_INTEGER)))
        : [],
  };
}

async function runStep(
  nodes: readonly CatalogNode[],
  runs: ReadonlyMap<number, Run>,
  histories: readonly History[],
  step: number,
): Promise<void> {
  const writes = new Map<NodeId, Write[]>(nodes.map(({ id }) => [id, []]));
  const arriving = new Map<NodeId, Operation[]>(nodes.map(({ id }) => [id, []]));
  const compacted: { history: History; at: NodeId; kept: number }[] = [];
  for (const history of histories) {
    const { seed, events } = history;
    const event = events[step];
    const run = runs.get(seed)!;
    switch (event?.kind) {
      case "write":
        writes.get(event.at)!.push(event.write);
        break;
      case "deliver":
        arriving.get(event.to)!.push(...run.take(event.from, event.to, event.count));
        break;
      case "restart":
        run.restart(event.at, event.again);
        break;
      case "compact":
        compacted.push({ history, at: event.at, kept: event.kept });
        break;
      case undefined:
        break;
      default:
        event satisfies never;
    }
  }
  for (const node of nodes) {
    const written = await node.write(writes.get(node.id)!);
    for (const operation of written) runs.get(ownerOf(operation.id))!.record(operation);
    const operations = arriving.get(node.id)!;
    if (operations.length > 0) await node.apply(operations);
  }
  await compactAll(nodes, compacted);
}

/** As a node's worker does it: each other node is asked what it has, then the own log is compacted. */
async function compactAll(
  nodes: readonly CatalogNode[],
  compacted: readonly { history: History; at: NodeId; kept: number }[],
): Promise<void> {
  const rows = compacted.flatMap(({ history }) => history.rows);
  if (rows.length === 0) return;
  const vectors = new Map<NodeId, unknown[]>();
  for (const node of nodes) vectors.set(node.id, await node.vectors(rows));
  const asked = compacted.flatMap(({ history, at, kept }) =>
    history.rows.map((row) => ({ ...row, kept, at, nodes: history.nodes })),
  );
  for (const { id, compact } of nodes) {
    const its = asked.flatMap(({ at, nodes, ...row }, index) =>
      at === id
        ? [{ ...row, others: nodes.filter((node) => node !== id).map((node) => vectors.get(node)![index]) }]
        : [],
    );
    if (its.length > 0) await compact(its);
  }
}

const KINDS = ["products", "suppliers", "conflicts", "operations", "states", "compacted"] as const;
/** Nodes that have compacted their logs at different times have different logs and bases. */
const EQUAL = ["products", "suppliers", "conflicts", "states"] as const;

function bySeed(content: NodeContent): Map<number, NodeContent> {
  const found = new Map<number, NodeContent>();
  for (const kind of KINDS) {
    for (const row of content[kind]) {
      const seed = ownerOf(row.id as string);
      if (!found.has(seed))
        found.set(seed, {
          products: [],
          suppliers: [],
          conflicts: [],
          operations: [],
          states: [],
          compacted: [],
        });
      (found.get(seed)![kind] as unknown[]).push(row);
    }
  }
  return found;
}

/** What differs between the nodes, or what was lost at all of them. */
function compare(
  contents: readonly (readonly [NodeId, NodeContent])[],
  written: readonly Operation[],
): string | null {
  const [[first, expected], ...others] = contents as [[NodeId, NodeContent], ...[NodeId, NodeContent][]];
  for (const [node, content] of others) {
    for (const kind of EQUAL) {
      if (!isDeepStrictEqual(content[kind], expected[kind])) {
        return `${kind} differ:\n${first}: ${JSON.stringify(expected[kind])}\n${node}: ${JSON.stringify(content[kind])}`;
      }
    }
  }
  for (const [node, { operations, compacted }] of contents) {
    const left = written.filter((operation) => !hasLeft(operation, compacted));
    if (!isDeepStrictEqual(operations, left))
      return `the log of ${node} is ${JSON.stringify(operations)}, not ${JSON.stringify(left)}`;
  }
  return findLoss({ ...expected, operations: [...written] });
}

const hasLeft = ({ entity, id, node, sequence }: Operation, compacted: readonly Compacted[]) =>
  compacted.some((row) => row.entity === entity && row.id === id && sequence <= (row.compacted[node] ?? 0));
