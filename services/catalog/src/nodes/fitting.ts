/** Which databases that answer may be connected with the own one. */
import type { NodeLook } from "./node-look.ts";
import type { Peer } from "./plan.ts";

/** The other nodes, as this one may use them. */
export function fittingPeers(
  node: string,
  own: NodeLook,
  peers: ReadonlyMap<string, Peer>,
): Map<string, Peer> {
  return new Map(
    Array.from(peers, ([name, peer]) => {
      const reason = peer.kind === "seen" ? misfitOf(node, own, name, peer.look) : undefined;
      return [name, reason === undefined ? peer : { kind: "unusable", reason }];
    }),
  );
}

/** With three nodes on one server, one of four tries left the third without its copy. */
function misfitOf(node: string, own: NodeLook, name: string, look: NodeLook): string | undefined {
  if (serverOf(own) === serverOf(look))
    return `ONE_SERVER: the databases of ${node} and ${name} are on one PostgreSQL server: give each a server`;
  return own.removed.includes(look.identity) ? removed(name) : undefined;
}

/** Why this node may not come back, if another one knows that it was removed. */
export function removalOf(node: string, own: NodeLook, peers: ReadonlyMap<string, Peer>): string | undefined {
  const looks = Array.from(peers.values(), (peer) => (peer.kind === "seen" ? [peer.look] : [])).flat();
  return looks.some((look) => look.removed.includes(own.identity)) ? removed(node) : undefined;
}

function removed(node: string): string {
  return `REMOVED_NODE: ${node} was taken out of the topology, and its database has old data: give it an empty one`;
}

const serverOf = ({ identity }: NodeLook) => identity.split("/")[0];
