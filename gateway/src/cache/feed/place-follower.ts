/**
 * Follows the changes of one place at one of its instances, and tells the cache. All instances read the same
 * database, so one is enough; another is asked when that one fails twice.
 *
 * An answer is also a proof: everything that had happened when its service read the database was told. What
 * the cache keeps is served for a second after the last proof. Then, whoever commits is noticed within that
 * second or the cache is silent, whatever is broken: the network, the service, or its database.
 */
import type { ChangesAnswer } from "@teranga/kit/outbox/changes-answer.ts";
import type { GetChanges } from "@teranga/kit/outbox/changes-client.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { type StartWait, startWorker, type Worker } from "@teranga/kit/process/worker.ts";
import { type Position, parsePosition } from "@teranga/kit/reads/position.ts";
import type { Invalidation } from "../tier.ts";

/** How long a proof is good for. */
const SERVED_MS = 1_000;
/** What was kept is dropped then: it would be of little use, and takes memory. */
const DROPPED_MS = 10_000;
/** After a failure, and after an answer that was not held. */
const WAIT_MS = 250;
/** One failure may be a connection that was closed just then. */
const FAILURES_MAX = 2;

/** Changes that come without asking the service (shared/change-streams.ts). */
export interface ChangesSource {
  /** Undefined if it is not certain what has changed since the cursor. Then the service is asked. */
  get(place: string, cursor: { epoch: string; number: number }): Promise<ChangesAnswer | undefined>;
}

export interface FollowerMeans {
  get: GetChanges;
  /** Asked first. */
  streams?: ChangesSource | undefined;
  cache: Invalidation;
  log: Logger;
  /** Monotonic milliseconds. */
  nowMs: () => number;
  startWait?: StartWait | undefined;
  onEvent?: ((event: FeedEvent) => void) | undefined;
}

/** `gap`: changes may have been missed, so the place was dropped. `failure`: an instance did not answer. */
export type FeedEvent = "change" | "gap" | "failure";

interface Cursor {
  url: string;
  epoch: string;
  number: number;
  position: Position;
}

export class PlaceFollower {
  readonly #place: string;
  readonly #means: FollowerMeans;
  readonly #worker: Worker;
  #urls: readonly string[];
  #cursor: Cursor | undefined;
  #failures = 0;
  /** Everything that had happened by then was told. */
  #provenAtMs = Number.NEGATIVE_INFINITY;
  /** The reason of the last failure, which is logged once. */
  #reason: string | undefined;

  /** @param urls of the instances' changes */
  constructor(place: string, urls: readonly string[], means: FollowerMeans) {
    this.#place = place;
    this.#urls = urls;
    this.#means = means;
    const { log, startWait } = means;
    const step = () => this.#step();
    this.#worker = startWorker({ name: `changes of ${place}`, intervalMs: WAIT_MS, step, log, startWait });
  }

  /** Whether what is kept of the place may be served. */
  get isProven(): boolean {
    return this.#means.nowMs() - this.#provenAtMs < SERVED_MS;
  }

  setUrls(urls: readonly string[]): void {
    this.#urls = urls;
  }

  async stop(): Promise<void> {
    this.#provenAtMs = Number.NEGATIVE_INFINITY;
    await this.#worker.stop();
  }

  async #step(): Promise<boolean> {
    const { get, nowMs, log, onEvent } = this.#means;
    const url = this.#instance();
    const askedAtMs = nowMs();
    try {
      const streaming = this.#streaming(url);
      const streamed = streaming && (await streaming);
      const answer = streamed ?? (await get(url, queryOf(this.#cursor, url)));
      this.#take(url, answer);
      // The service read its database at this time or later: the answer's way back took the rest.
      this.#provenAtMs = Math.max(this.#provenAtMs, askedAtMs + answer.waitedMs - answer.ageMs);
      if (this.#reason !== undefined) log.info({ place: this.#place }, "changes are followed again");
      this.#reason = undefined;
      this.#failures = 0;
      return answer.waitedMs > 0 || answer.changes.length > 0;
    } catch (error) {
      onEvent?.("failure");
      this.#failures++;
      this.#fail(url, (error as Error).message);
      return this.#failures % FAILURES_MAX !== 0;
    }
  }

  /** The service's numbers hold in the stream too, as long as its epoch does. */
  #streaming(url: string): Promise<ChangesAnswer | undefined> | undefined {
    const cursor = this.#cursor;
    return cursor?.url === url ? this.#means.streams?.get(this.#place, cursor) : undefined;
  }

  /** The one that was asked last, unless it has failed too often or is gone. */
  #instance(): string {
    const known = this.#cursor?.url;
    const index = known === undefined ? -1 : this.#urls.indexOf(known);
    return this.#urls[(Math.max(index, 0) + Math.floor(this.#failures / FAILURES_MAX)) % this.#urls.length]!;
  }

  #take(url: string, answer: ChangesAnswer): void {
    const { cache, onEvent } = this.#means;
    const place = this.#place;
    const position = readPosition(answer.position);
    if (answer.isGap) {
      onEvent?.("gap");
      cache.dropPlace(place, position);
    }
    for (const [type, key, at] of answer.changes) {
      onEvent?.("change");
      // A change shows in the row's own entries, and in whatever lists its type: it may move a row in a list.
      if (key === null) cache.dropPlace(place, readPosition(at));
      else cache.invalidate(place, [`${type}:${key}`, type], readPosition(at));
    }
    cache.confirm(place, readPosition(answer.confirmed));
    this.#cursor = { url, epoch: answer.epoch, number: answer.number, position };
  }

  #fail(url: string, reason: string): void {
    const { cache, log, nowMs } = this.#means;
    const place = this.#place;
    if (reason !== this.#reason) {
      log.warn({ place, url, reason }, "changes are not told; the cache is not used for this place");
    }
    this.#reason = reason;
    if (this.#cursor && nowMs() - this.#provenAtMs > DROPPED_MS) {
      cache.dropPlace(place, this.#cursor.position);
      this.#cursor = undefined;
    }
  }
}

/** At another instance the epoch is another one, which that one says. */
function queryOf(cursor: Cursor | undefined, url: string): string {
  return cursor?.url === url ? `?epoch=${encodeURIComponent(cursor.epoch)}&number=${cursor.number}` : "";
}

function readPosition(text: string): Position {
  const position = parsePosition(text);
  if (!position) throw new Error(`"${text}" is no position`);
  return position;
}
