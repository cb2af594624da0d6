/** How far the other nodes' logs have come to this one (kit/src/reads/peers.ts). */
import type { Peers, Received } from "@teranga/kit/reads/peers.ts";
import type { Position } from "@teranga/kit/reads/position.ts";
import { placeName } from "@teranga/kit/reads/read-headers.ts";
import { shareNext } from "@teranga/kit/reads/share-next.ts";
import type { NodeManager } from "./node-manager.ts";
import { reportNode } from "./report.ts";

/** A row of `received_positions()` (4-received.sql). */
interface ReceivedRow {
  node: string;
  timeline: number;
  reported: number;
  applied: number;
  isApplying: boolean;
}

export class ReceivedPositions implements Peers {
  /** Callers share one question. */
  readonly received: () => Promise<Received>;
  readonly #nodes: () => NodeManager | undefined;
  /** What reads surely show of each node. */
  readonly #shown = new Map<string, Position>();
  /** The nodes that are called at the moment. */
  readonly #called = new Set<string>();

  /** @param nodes undefined before the node has started */
  constructor(nodes: () => NodeManager | undefined) {
    this.#nodes = nodes;
    this.received = shareNext(() => this.#read());
  }

  call(places: Iterable<string>): void {
    const nodes = this.#nodes();
    const wanted = new Set(places);
    for (const node of nodes?.names ?? []) {
      const database = nodes!.databaseOf(node);
      if (!database || !wanted.has(placeName("catalog", node)) || this.#called.has(node)) continue;
      this.#called.add(node);
      // One that does not answer tells nothing: its caller waits in vain, for a bounded time.
      const end = () => this.#called.delete(node);
      void reportNode(database.sql, node).then(end, end);
    }
  }

  async #read(): Promise<Received> {
    const nodes = this.#nodes();
    const sql = nodes?.databaseOf(nodes.node)?.sql;
    if (!sql) return new Map();
    const rows = await sql<ReceivedRow[]>`
      select node, timeline, reported, applied, is_applying as "isApplying" from received_positions()`;
    return new Map(
      rows.map((row) => {
        const upTo = { timeline: row.timeline, lsn: row.applied };
        return [placeName("catalog", row.node), { includes: this.#shownOf(row), upTo }];
      }),
    );
  }

  #shownOf({ node, timeline, reported, applied, isApplying }: ReceivedRow): Position {
    const before = this.#shown.get(node);
    // A node that is made anew begins its log anew.
    const isOfLog = before?.timeline === timeline && before.lsn <= applied;
    const lsn = isApplying ? Math.max(reported, isOfLog ? before.lsn : 0) : applied;
    const shown = { timeline, lsn };
    this.#shown.set(node, shown);
    return shown;
  }
}
