/** How a service's program follows its topology file: the partitions are asked before a change is taken. */
import type { Logger } from "./log.ts";
import type { ShutdownStep } from "./shutdown.ts";
import type { Topology } from "./topology.ts";
import { type AgreementOptions, agreeOnTopology } from "./topology-agreement.ts";
import type { TopologyStanding } from "./topology-standing.ts";
import { watchTopology } from "./topology-watch.ts";
import { createTransport } from "./transport.ts";

export interface FollowOptions {
  file: string;
  /** What the program has started with. */
  topology: Topology;
  onChange: (topology: Topology) => void | Promise<void>;
  role: AgreementOptions["role"];
  /** What services show one another. */
  credential: string;
  standing: TopologyStanding;
  log: Logger;
}

/** Begins to follow. @returns how it ends, before the program itself */
export function followTopology({ role, credential, ...watched }: FollowOptions): ShutdownStep[] {
  const { send, close } = createTransport({ credential });
  const watch = watchTopology({
    ...watched,
    agree: (next, current) => agreeOnTopology({ current, next, send, role }),
  });
  return [
    { name: "the topology's watch", close: watch.stop },
    { name: "the questions about it", close },
  ];
}
