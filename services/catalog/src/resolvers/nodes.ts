/** The nodes of the catalog in the graph. A catalog with one database has none. */
import { badInput } from "@teranga/kit/graphql/errors.ts";
import type { MutationResolvers, QueryResolvers } from "@teranga/schema/generated/catalog.ts";
import type { CatalogContext } from "../context.ts";
import { compareNodes } from "../nodes/divergence.ts";
import { setPaused, syncNow } from "../nodes/operate.ts";
import { statusOf } from "../nodes/status.ts";
import { quoteId } from "../product.ts";

/** A client waits 4 s at most. */
const SYNC_WAIT_MAX_MS = 3_000;

export const nodesQuery = {
  catalogNodes: (_parent, _args, { nodes }) =>
    nodes?.state ? statusOf(nodes.node, nodes.names, nodes.state) : [],

  catalogDivergence: (_parent, _args, { nodes }) =>
    compareNodes(new Map(nodes?.names.map((name) => [name, nodes.databaseOf(name)?.sql]))),
} satisfies QueryResolvers<CatalogContext>;

export const nodesMutation = {
  pauseReplication: (_parent, { input }, context) => change(context, input.node, true),

  resumeReplication: (_parent, { input }, context) => change(context, input.node, false),

  async syncNow(_parent, { input: { waitMs = SYNC_WAIT_MAX_MS } }, { nodes }) {
    if (waitMs < 1 || waitMs > SYNC_WAIT_MAX_MS)
      throw badInput("input.waitMs", `must be from 1 to ${SYNC_WAIT_MAX_MS}`);
    const behind = nodes ? await syncNow(nodes, waitMs) : [];
    if (behind.length === 0) return { __typename: "CatalogSynced", nodes: [...(nodes?.names ?? [])] };
    const message = `Not all nodes have what others had written within ${waitMs} ms.`;
    return { __typename: "CatalogBehind", message, behind };
  },
} satisfies MutationResolvers<CatalogContext>;

async function change({ nodes }: CatalogContext, given: string, paused: boolean) {
  const node = quoteId(given);
  if (!nodes?.names.includes(given))
    return { __typename: "UnknownCatalogNode" as const, message: `There is no node "${node}".`, node };
  if (await setPaused(nodes, given, paused))
    return { __typename: "ReplicationChanged" as const, node, paused };
  return { __typename: "CatalogNodeAway" as const, message: `The node ${node} does not answer.`, node };
}
