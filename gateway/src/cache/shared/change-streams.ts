/**
 * Reads the changes of places from their streams in Redis (kit/src/redis/change-stream.ts), all over one
 * connection. What it has not read for certain it does not tell: then its caller asks the service, which
 * knows the same changes by the same numbers.
 *
 * A place is followed from the end of its stream. A hole in the numbers, another server or a lost connection
 * begin that anew.
 */
import type { ChangesAnswer } from "@teranga/kit/outbox/changes-answer.ts";
import type { Cursor, RecentChanges } from "@teranga/kit/outbox/recent-changes.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { type StartTimer, startRealTimer } from "@teranga/kit/process/timer.ts";
import { startWorker, type Worker } from "@teranga/kit/process/worker.ts";
import { confirmedKey, readConfirmation, readStreamed, streamKey } from "@teranga/kit/redis/change-stream.ts";
import type { RedisLink } from "@teranga/kit/redis/redis-link.ts";
import { StreamTrack } from "./stream-track.ts";

/** How long one reading waits for entries. The next one looks what was confirmed. */
const BLOCK_MS = 100;
const ENTRIES_MAX = 500;
/** How long a caller that knows all is held. */
const HELD_MS = 250;
/** While Redis is away or nothing is followed. */
const WAIT_MS = 100;

export interface ChangeStreamsOptions {
  /** Of its own: it waits for entries. */
  link: RedisLink;
  log: Logger;
  /** Monotonic. */
  nowMs?: () => number;
  startTimer?: StartTimer;
}

export class ChangeStreams {
  readonly #link: RedisLink;
  readonly #nowMs: () => number;
  readonly #startTimer: StartTimer;
  readonly #tracks = new Map<string, StreamTrack>();
  readonly #worker: Worker;
  #runId: string | undefined;

  constructor(options: ChangeStreamsOptions) {
    const { link, log, nowMs = () => performance.now(), startTimer = startRealTimer } = options;
    this.#link = link;
    this.#nowMs = nowMs;
    this.#startTimer = startTimer;
    const step = () => this.#read();
    this.#worker = startWorker({ name: "changes in Redis", intervalMs: WAIT_MS, step, log });
  }

  /** What has changed since the cursor; held if nothing has. Undefined if only the service knows. */
  async get(place: string, cursor: Cursor): Promise<ChangesAnswer | undefined> {
    const track = this.#follow(place, cursor.epoch);
    const begunMs = this.#nowMs();
    if (track.live?.isUpToDate(cursor)) await this.#nextOf(track.live);
    const answer = track.live?.since(cursor);
    return answer && !answer.isGap ? { ...answer, waitedMs: this.#nowMs() - begunMs } : undefined;
  }

  async close(): Promise<void> {
    await this.#worker.stop();
  }

  /** There is one track a place, of the epoch that its follower follows. */
  #follow(place: string, epoch: string): StreamTrack {
    const known = this.#tracks.get(place);
    if (known?.epoch === epoch) return known;
    known?.lose();
    const track = new StreamTrack(place, epoch, this.#nowMs);
    this.#tracks.set(place, track);
    this.#worker.wake();
    return track;
  }

  #nextOf(changes: RecentChanges): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const endings = [this.#startTimer(HELD_MS, resolve), changes.onNext(resolve)];
    return promise.finally(() => {
      for (const end of endings) end();
    });
  }

  /** @returns whether to read again at once */
  async #read(): Promise<boolean> {
    const tracks = [...this.#tracks.values()];
    const isSameServer = this.#runId === this.#link.runId;
    this.#runId = this.#link.runId;
    const isRead =
      isSameServer &&
      this.#runId !== undefined &&
      tracks.length > 0 &&
      (await this.#findEnds(tracks)) &&
      (await this.#readOn(tracks));
    if (!isRead) for (const track of tracks) track.lose();
    return isRead;
  }

  async #findEnds(tracks: readonly StreamTrack[]): Promise<boolean> {
    for (const track of tracks) {
      if (track.id !== undefined) continue;
      const command = ["XREVRANGE", streamKey(track.place), "+", "-", "COUNT", "1"];
      const answer = await this.#link.ask<[string, string[]][]>(command);
      if (answer.kind !== "reply") return false;
      track.id = answer.reply[0]?.[0] ?? "0-0";
    }
    return true;
  }

  async #readOn(tracks: readonly StreamTrack[]): Promise<boolean> {
    // Before the entries: all that a confirmation speaks of is among them.
    const readAtMs = this.#nowMs();
    const keys = tracks.map(({ place, epoch }) => confirmedKey(place, epoch));
    const confirmed = await this.#link.ask<(string | null)[]>(["MGET", ...keys]);
    if (confirmed.kind !== "reply") return false;
    const entries = await this.#readEntries(tracks);
    if (!entries) return false;
    for (const [i, track] of tracks.entries()) {
      const confirmation = readConfirmation(confirmed.reply[i] ?? null);
      track.begin(confirmation);
      const read = entries.get(streamKey(track.place)) ?? [];
      for (const [id, fields] of read) {
        track.id = id;
        track.take(readStreamed(fields));
      }
      // If it was cut off, what is confirmed may be still to come.
      if (read.length < ENTRIES_MAX) track.confirm(readAtMs, confirmation);
    }
    return true;
  }

  async #readEntries(tracks: readonly StreamTrack[]): Promise<Map<string, [string, string[]][]> | undefined> {
    const options = ["COUNT", `${ENTRIES_MAX}`, "BLOCK", `${BLOCK_MS}`];
    const keys = tracks.map(({ place }) => streamKey(place));
    const ids = tracks.map(({ id }) => id!);
    const command = ["XREAD", ...options, "STREAMS", ...keys, ...ids];
    const answer = await this.#link.ask<[string, [string, string[]][]][] | null>(command);
    return answer.kind === "reply" ? new Map(answer.reply ?? []) : undefined;
  }
}
