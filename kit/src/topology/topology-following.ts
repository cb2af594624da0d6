/** How a service's program follows its topology file: the partitions are asked before a change is taken. */

import { createTransport } from "../http/transport.ts";
import type { Logger } from "../process/log.ts";
import type { ShutdownStep } from "../process/shutdown.ts";
import type { Topology } from "./topology.ts";
import { type Agreement, agreeOnTopology } from "./topology-agreement.ts";
import type { TopologyStanding } from "./topology-standing.ts";
import { watchTopology } from "./topology-watch.ts";

export interface FollowOptions {
  file: string;
  /** What the program has started with. */
  topology: Topology;
  onChange: (topology: Topology) => void | Promise<void>;
  role: "routes" | "owns";
  /**
   * Of who owns rows: whether the database keeps the rule of the topology that the program goes by. If not,
   * it moves once all partitions have agreed.
   */
  keepsRule?: () => Promise<boolean>;
  /** What services show one another. */
  credential: string;
  standing: TopologyStanding;
  log: Logger;
  pollMs?: number;
}

/** Begins to follow. @returns how it ends, before the program itself */
export function followTopology({ role, credential, keepsRule, ...watched }: FollowOptions): ShutdownStep[] {
  const { send, close } = createTransport({ credential });
  /** A start says nothing against the database: the file that it was made with may be an old one. */
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
