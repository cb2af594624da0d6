/** How a service's program follows its topology file. It asks the partitions before it takes a change. */

import { createTransport } from "../http/transport.ts";
import type { Logger } from "../process/log.ts";
import type { ShutdownStep } from "../process/shutdown.ts";
import type { Topology } from "./topology.ts";
import { type Agreement, agreeOnTopology } from "./topology-agreement.ts";
import type { TopologyStanding } from "./topology-standing.ts";
import { watchTopology } from "./topology-watch.ts";

export interface FollowOptions {
  file: string;
  /** The topology that the program started with. */
  topology: Topology;
  onChange: (topology: Topology) => void | Promise<void>;
  role: "routes" | "owns";
  /**
   * For an owner of rows: whether the database keeps the rule of the program's topology. If not, the rule
   * changes once all partitions have agreed.
   */
  keepsRule?: () => Promise<boolean>;
  /** The service credential. */
  credential: string;
  standing: TopologyStanding;
  log: Logger;
  pollMs?: number;
}

/**
 * Begins to follow.
 * @returns the steps that end it, to be run before the program itself ends
 */
export function followTopology({ role, credential, keepsRule, ...watched }: FollowOptions): ShutdownStep[] {
  const { send, close } = createTransport({ credential, isService: true });
  /** A starting instance does not overrule the database, since its file may be old. */
  const agreeAtStart = async (next: Topology): Promise<Agreement> => {
    const agreement = await agreeOnTopology({ current: undefined, next, send, role: "starts" });
    if (agreement.kind !== "agreed")
      return { kind: "refused", reason: `${agreement.reason}, and the database keeps another rule` };
    await watched.onChange(next);
    return agreement;
  };
  const watch = watchTopology({
    ...watched,
    agree: async (next, current) =>
      current === undefined && keepsRule && !(await keepsRule())
        ? agreeAtStart(next)
        : agreeOnTopology({ current, next, send, role }),
  });
  return [
    { name: "the topology's watch", close: watch.stop },
    { name: "the questions about it", close },
  ];
}
