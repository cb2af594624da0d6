/** The names under which PostgreSQL knows what belongs to replication between nodes. */

/** The publication of each node (003.do.nodes.sql). */
export const PUBLICATION = "teranga_operations";
export const PREFIX = "teranga_";

/**
 * The slot in a node's database that keeps what another node has not had yet. Slots are the whole server's,
 * which may run databases of several nodes: so the name has the database's number.
 */
export function slotOf(databaseNumber: number, receiver: string): string {
  return `${PREFIX}${databaseNumber}_${underscored(receiver)}`;
}

/** The subscription in a node's database to another node. */
export function subscriptionOf(sender: string): string {
  return `${PREFIX}${underscored(sender)}`;
}

/** A name of the topology has no underscore, so no two become one. */
const underscored = (node: string) => node.replaceAll("-", "_");
