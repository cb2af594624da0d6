/** What the log of a replica says of its replication. */
import { open, stat } from "node:fs/promises";

export type Streaming = { kind: "waiting" } | { kind: "streaming" } | { kind: "hopeless"; reason: string };

/**
 * The server tries again for ever after each of these, and no try can succeed: what it needs is no longer
 * there, or it holds what the primary does not have.
 */
const HOPELESS = [
  /requested WAL segment \w+ has already been removed/,
  /can no longer access replication slot "[^"]*"/,
  /replication slot "[^"]*" does not exist/,
  /database system identifier differs between the primary and standby/,
  /highest timeline \d+ of the primary is behind recovery timeline \d+/,
  /new timeline \d+ forked off current database system timeline \d+ before current recovery point/,
  /new timeline \d+ is not a child of database system timeline \d+/,
  /requested starting point \S+ on timeline \d+ is not in this server's history/,
  /requested starting point \S+ is ahead of the WAL flush position/,
];
const STREAMS = /started streaming WAL from primary/;
/** A log grows by some lines a second at most. */
const READ_BYTES_MAX = 65_536;

/** Reads a log from its present end on. */
export class ReplicationLog {
  readonly #file: string;
  #offset: number;
  #state: Streaming = { kind: "waiting" };

  private constructor(file: string, offset: number) {
    this.#file = file;
    this.#offset = offset;
  }

  static async follow(file: string): Promise<ReplicationLog> {
    const status = await stat(file).catch(() => undefined);
    return new ReplicationLog(file, status?.size ?? 0);
  }

  /** The state after the newest line. A hopeless one stays. */
  async read(): Promise<Streaming> {
    for (const line of await this.#newLines()) {
      if (this.#state.kind === "hopeless") break;
      const reason = HOPELESS.map((pattern) => pattern.exec(line)?.[0]).find(Boolean);
      if (reason) this.#state = { kind: "hopeless", reason };
      else if (STREAMS.test(line)) this.#state = { kind: "streaming" };
    }
    return this.#state;
  }

  async #newLines(): Promise<string[]> {
    // A replica that was wiped has no log any more.
    const handle = await open(this.#file, "r").catch(() => undefined);
    if (!handle) return [];
    try {
      const buffer = Buffer.alloc(READ_BYTES_MAX);
      const { bytesRead } = await handle.read(buffer, 0, READ_BYTES_MAX, this.#offset);
      // A line that is not whole yet is read again, unless it would fill the buffer.
      const end = buffer.subarray(0, bytesRead).lastIndexOf("\n") + 1;
      const taken = end || (bytesRead === READ_BYTES_MAX ? bytesRead : 0);
      this.#offset += taken;
      return buffer.toString("utf8", 0, taken).split("\n");
    } finally {
      await handle.close();
    }
  }
}
