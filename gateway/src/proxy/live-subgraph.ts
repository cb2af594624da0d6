/**
 * A partitioned subgraph while it runs: where its partitions are, and the schema that all of them can answer.
 * Both may change at any time.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Send } from "@teranga/kit/http/transport.ts";
import { StartupError } from "@teranga/kit/process/config.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { startWorker, type Worker } from "@teranga/kit/process/worker.ts";
import { type PartitionPlacement, partitionsOf, type Topology } from "@teranga/kit/topology/topology.ts";
import type { CommonSchema } from "../composition/common-schema.ts";
import type { Network, Networks } from "../network/network.ts";
import { ServedSdls } from "./served-sdl.ts";
import { readSubgraphSchema, type SubgraphSchema } from "./subgraph-schema.ts";

const STARTUP_PAUSE_MS = 250;

export interface LiveSubgraphMeans {
  subgraph: string;
  topology: Topology;
  networks: Networks;
  send: Send;
  log: Logger;
}

export class LiveSubgraph {
  readonly #means: LiveSubgraphMeans;
  readonly #sdls: ServedSdls;
  #placement: PartitionPlacement;
  #network: Network;
  #sdl: string | undefined;
  #omitted = 0;
  #lastFault: string | undefined;

  /** @throws StartupError if the topology does not place the subgraph by partitions */
  constructor(means: LiveSubgraphMeans) {
    this.#means = means;
    this.#sdls = new ServedSdls(means.send, means.log);
    this.#placement = partitionsOf(means.topology, means.subgraph);
    this.#network = means.networks.update([this.#placement]);
  }

  get network(): Network {
    return this.#network;
  }

  /** The number of schema parts that are left out because some partitions lack them. */
  get omitted(): number {
    return this.#omitted;
  }

  /** Uses another topology. @throws StartupError if the subgraph is not in it */
  update(topology: Topology): void {
    this.#placement = partitionsOf(topology, this.#means.subgraph);
    this.#network = this.#means.networks.update([this.#placement]);
  }

  /**
   * Waits until a partition answers.
   * @throws StartupError if none does in time, or if the subgraph cannot be split
   */
  async firstSchema(waitMs: number): Promise<SubgraphSchema> {
    const { subgraph } = this.#means;
    const endMs = performance.now() + waitMs;
    for (;;) {
      const common = await this.#sdls.read(this.#placement);
      if (common) return this.#take(common);
      if (performance.now() + STARTUP_PAUSE_MS > endMs) {
        const seconds = Math.round(waitMs / 1_000);
        throw new StartupError(`No service of the subgraph "${subgraph}" answered within ${seconds} s`);
      }
      await sleep(STARTUP_PAUSE_MS);
    }
  }

  /** Asks for the schema periodically. A schema that cannot be served changes nothing, and is logged once. */
  watchSchema(intervalMs: number, onChange: (schema: SubgraphSchema) => void): Worker {
    const { log, subgraph } = this.#means;
    const step = async () => {
      try {
        const common = await this.#sdls.read(this.#placement);
        if (common && common.sdl !== this.#sdl) onChange(this.#take(common));
        this.#lastFault = undefined;
      } catch (error) {
        const { message } = error as Error;
        if (message !== this.#lastFault)
          log.error({ subgraph, reason: message }, "the schema stays as it was");
        this.#lastFault = message;
      }
      return false;
    };
    return startWorker({ name: "schema poll", intervalMs, step, log });
  }

  #take({ sdl, omitted }: CommonSchema): SubgraphSchema {
    const { subgraph, log } = this.#means;
    const schema = readSubgraphSchema(subgraph, sdl);
    for (const omission of omitted) log.warn({ subgraph, ...omission }, "not all partitions have it");
    this.#sdl = sdl;
    this.#omitted = omitted.length;
    return schema;
  }
}
