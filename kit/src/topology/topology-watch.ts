/**
 * Watches the topology file of a running program and takes valid changes over. An invalid change is one line
 * in the log, and the topology stays as it was: an editing mistake must not take a graph down. A change
 * without the partitions' agreement waits. The partitions are asked again for as long as the file says so.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { StartupError } from "../process/config.ts";
import { type FileContent, type FileWatch, watchFile } from "../process/file-watch.ts";
import type { Logger } from "../process/log.ts";
import { type Placement, parseTopologyFile, type Topology } from "./topology.ts";
import type { Agreement } from "./topology-agreement.ts";
import type { TopologyStanding } from "./topology-standing.ts";

export interface TopologyWatchOptions {
  file: string;
  /** The topology read from the file at the start. */
  topology: Topology;
  /**
   * Takes over a topology that differs from the last one. It may refuse by a StartupError, whose message is
   * logged. After any other failure it is called again with the same topology.
   */
  onChange: (topology: Topology) => void | Promise<void>;
  /**
   * Whether the partitions let the topology be taken. By default they are not asked.
   * @param current what they agreed on before; undefined at the start
   */
  agree?: ((next: Topology, current: Topology | undefined) => Promise<Agreement>) | undefined;
  /** Told why the file's topology is not taken. */
  standing?: TopologyStanding | undefined;
  log: Logger;
  pollMs?: number | undefined;
}

/**
 * Partitions take a changed topology within milliseconds of the file's change. A later one
 * is asked again at the next poll.
 */
const ASKS_MAX = 10;
const ASK_PAUSE_MS = 100;

/** Begins to watch. The file is read again at once, because it may have changed since the start. */
export function watchTopology({
  file,
  topology,
  onChange,
  agree = async () => ({ kind: "agreed" }),
  standing = { fault: undefined, notes: () => [] },
  log,
  pollMs,
}: TopologyWatchOptions): FileWatch {
  let current = topology;
  /**
   * A program takes its first topology without asking, since the partitions may not be up yet. They are asked
   * until all have answered and none refuses.
   */
  let isAgreed = false;
  /** The reason of the last refusal. A partition that is silent since has not taken it back. */
  let startFault: string | undefined;
  let stopped = false;

  /** Logs each fault once, however often the file is written with it. */
  const logFault = (reason: string, consequence = "the topology stays as it was") => {
    const fault = `${reason}; ${consequence}`;
    if (fault !== standing.fault) log.error(fault);
    standing.fault = fault;
  };
  const askedEnough = async (next: Topology): Promise<Agreement> => {
    for (let asks = 1; ; asks++) {
      const agreement = await agree(next, current);
      if (agreement.kind !== "not-yet" || asks >= ASKS_MAX || stopped) return agreement;
      await sleep(ASK_PAUSE_MS);
    }
  };
  const onContent = async (content: FileContent) => {
    let next: Topology;
    try {
      next = parseTopologyFile(file, content);
      if (!sameTopology(next, current)) {
        const agreement = await askedEnough(next);
        if (agreement.kind !== "agreed") {
          logFault(`Topology ${file}: ${agreement.reason}`);
          return "again";
        }
        await onChange(next);
      } else if (!isAgreed) {
        const agreement = await agree(next, undefined);
        if (agreement.kind === "refused") {
          logFault(`Topology ${file}: ${agreement.reason}`, "it is gone by since the start all the same");
          startFault = standing.fault;
        }
        // Silence is no fault: programs that start together do not answer one another at once.
        if (agreement.kind === "not-yet") standing.fault = startFault;
        if (agreement.kind !== "agreed") return "again";
      }
    } catch (error) {
      if (!(error instanceof StartupError)) throw error;
      logFault(error.message);
      return undefined;
    }
    if (standing.fault !== undefined || !sameTopology(next, current)) {
      log.info({ placements: countsOf(next) }, "the topology has changed");
    }
    current = next;
    isAgreed = true;
    standing.fault = undefined;
    return undefined;
  };
  const watch = watchFile({ file, onContent, log, pollMs });
  return {
    stop() {
      stopped = true;
      return watch.stop();
    },
  };
}

/** Whether two topologies mean the same. Comments and spaces of the files do not count. */
export function sameTopology(one: Topology, other: Topology): boolean {
  return one === other || JSON.stringify([...one.placements]) === JSON.stringify([...other.placements]);
}

/** `{ catalog: 1, city: 4 }`: the number of instances of replicas, or of partitions. */
function countsOf({ placements }: Topology): Record<string, number> {
  const count = (placement: Placement) =>
    placement.kind === "replicas" ? placement.urls.length : placement.partitions.length;
  return Object.fromEntries(Array.from(placements, ([name, placement]) => [name, count(placement)]));
}
