/**
 * The topology of a program that runs: its file is watched, and a change that makes sense is taken up. One that does not is one line in
 * the log, and the topology stays as it was, because a slip of an editor must not take a graph down.
 */
import { StartupError } from "./config.ts";
import { type FileContent, type FileWatch, watchFile } from "./file-watch.ts";
import type { Logger } from "./log.ts";
import { type Placement, parseTopologyFile, type Topology } from "./topology.ts";

export interface TopologyWatchOptions {
  file: string;
  /** What was read of it at the start. */
  topology: Topology;
  /**
   * Takes a topology up that says something else than the last one. It may refuse by a StartupError, whose message is logged; after
   * any other failure the same topology is given again.
   */
  onChange: (topology: Topology) => void | Promise<void>;
  log: Logger;
  pollMs?: number | undefined;
}

/** Begins to watch. The file is read again at once: it may have changed since the start. */
export function watchTopology({ file, topology, onChange, log, pollMs }: TopologyWatchOptions): FileWatch {
  let current = topology;
  let lastFault: string | undefined;

  /** Once for each fault, however often the file is written with it. */
  const logFault = (fault: string) => {
    if (fault !== lastFault) log.error(`${fault}; the topology stays as it was`);
    lastFault = fault;
  };
  const onContent = async (content: FileContent) => {
    let next: Topology;
    try {
      next = parseTopologyFile(file, content);
      if (!sameTopology(next, current)) await onChange(next);
    } catch (error) {
      if (!(error instanceof StartupError)) throw error;
      logFault(error.message);
      return;
    }
    if (lastFault !== undefined || !sameTopology(next, current)) {
      log.info({ placements: countsOf(next) }, "the topology has changed");
    }
    current = next;
    lastFault = undefined;
  };
  return watchFile({ file, onContent, log, pollMs });
}

/** Whether both say the same. Comments, spaces and the like of the files do not count. */
export function sameTopology(one: Topology, other: Topology): boolean {
  return one === other || JSON.stringify([...one.placements]) === JSON.stringify([...other.placements]);
}

/** `{ catalog: 1, city: 4 }`: the instances of replicas, the partitions of others. */
function countsOf({ placements }: Topology): Record<string, number> {
  const count = (placement: Placement) =>
    placement.kind === "replicas" ? placement.urls.length : placement.partitions.length;
  return Object.fromEntries(Array.from(placements, ([name, placement]) => [name, count(placement)]));
}
