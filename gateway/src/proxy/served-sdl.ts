/** Asks the partitions of one subgraph for their SDL, and makes one that all of them can answer. */

import { type Send, TransportError } from "@teranga/kit/http/transport.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import type { PartitionPlacement } from "@teranga/kit/topology/topology.ts";
import { type CommonSchema, commonSchema } from "../composition/common-schema.ts";

const SDL_QUERY = "{ _service { sdl } }";
/** Partitions read the SDL from memory. One that takes longer counts as down for now. */
const SDL_DEADLINE_MS = 2_000;
/** 1,024 partitions are asked within a second, and routers' requests go in between. */
const AT_ONCE_MAX = 32;

export class ServedSdls {
  readonly #send: Send;
  readonly #log: Logger;
  /** The last SDL of each partition. A partition that is down now will serve it again. */
  readonly #known = new Map<string, string>();

  constructor(send: Send, log: Logger) {
    this.#send = send;
    this.#log = log;
  }

  /**
   * Asks all partitions again.
   * @returns undefined as long as none has ever answered
   * @throws Error, one line, if no schema fits all
   */
  async read({ subgraph, partitions }: PartitionPlacement): Promise<CommonSchema | undefined> {
    const waiting = [...partitions];
    const ask = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const sdl = await this.#ask(subgraph, next.id, next.urls);
        if (sdl !== undefined) this.#known.set(next.id, sdl);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE_MAX }, ask));
    const served = partitions
      .filter(({ id }) => this.#known.has(id))
      .map(({ id }) => ({ partition: id, sdl: this.#known.get(id)! }));
    return served.length > 0 ? commonSchema(served) : undefined;
  }

  /** The SDL of the first instance that answers. */
  async #ask(subgraph: string, partition: string, urls: readonly string[]): Promise<string | undefined> {
    for (const url of urls) {
      try {
        const { data } = await this.#send(url, { query: SDL_QUERY }, { deadlineMs: SDL_DEADLINE_MS });
        const sdl = (data as { _service?: { sdl?: unknown } } | null | undefined)?._service?.sdl;
        if (typeof sdl === "string") return sdl;
        this.#log.error({ subgraph, partition }, "a partition does not tell its schema");
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
      }
    }
    return undefined;
  }
}
