/**
 * The tier that all gateways share, in Redis (docs/decisions/034-redis-may-forget.md).
 *
 * Redis may forget anything at any time: an entry, a lease, what it heard of a change. What it heard of the
 * changes of a place is one key, its history, and entries name the history that they were read under. So when
 * a history is lost, no entry of it is used any more, and no fill is taken that began before.
 */
import { createHash, randomBytes } from "node:crypto";
import { type StartTimer, startRealTimer } from "@teranga/kit/process/timer.ts";
import { laterPosition, type Position } from "@teranga/kit/reads/position.ts";
import type { RedisAnswer } from "@teranga/kit/redis/redis-answer.ts";
import type { RedisLink } from "@teranga/kit/redis/redis-link.ts";
import { LRUCache } from "lru-cache";
import { ENTRY_VERSION, type Fill, type Looked, type SharedTier } from "../tier.ts";
import type { RefusedWrites } from "./refused-writes.ts";
import { runScript, SCRIPTS } from "./scripts.ts";
import { type ReadUnder, readEntry, writeEntry } from "./shared-entry.ts";
import type { PutOutcome, SharedTierMetrics } from "./shared-metrics.ts";

/**
 * Most fetches take 20 ms. A gateway that died in one holds the others up for so long at most: they wait for
 * the end of the lease. A shorter wait, of 250 ms, made each of two gateways fetch, while a thousand requests
 * kept them busy.
 */
const LEASE_MS = 1_000;
/** With 20 ms a gateway saw a fetch of 16 ms after 35. A look takes a tenth of a millisecond. */
const LEASE_POLL_MS = { first: 3, most: 8 };
/** Redis does nothing else while a script runs: this many keys take about a millisecond. */
const KEYS_MAX = 100;
/** Longer than a client's request, with all its fetches. */
const FETCH_MS_MAX = 30_000;
const FETCHES_MAX = 20_000;
const ENTRY_CHARACTERS_MAX = 500_000;
/** Less than a history lives that nothing touches (history.lua). */
const ENTRY_MS_MAX = 3_600_000;

/** A fetch that a look let begin. */
interface Fetch {
  token: string;
  /** Undefined while the look is not answered. */
  under: ReadUnder | undefined;
}

/** A fetch that has ended: its lease, and what is to be kept. */
interface Ended {
  key: string;
  token: string;
  /** The entry's value and its milliseconds to live; undefined if nothing is kept. */
  kept?: readonly [string, string] | undefined;
}

type Lookup = ["found", value: string, leftMs: number, isToRefresh: 0 | 1] | ["leased"] | ["busy"] | ["none"];

type LookReply = [historyId: string, tick: string, ...lookups: Lookup[]];

export interface RedisTierOptions {
  link: RedisLink;
  writes: RefusedWrites;
  metrics: SharedTierMetrics;
  leaseMs?: number;
  /** Milliseconds since 1970. */
  nowMs?: () => number;
  startTimer?: StartTimer;
}

export class RedisTier implements SharedTier {
  readonly #options: Required<RedisTierOptions>;
  readonly #link: RedisLink;
  readonly #fetches = new LRUCache<string, Fetch>({ max: FETCHES_MAX, ttl: FETCH_MS_MAX });
  /** Up to where this gateway has heard of changes, by place. Without it, it cannot begin a history. */
  readonly #heard = new Map<string, Position>();
  /** Up to where Redis may not have heard of changes, by place. */
  readonly #untold = new Map<string, Position>();
  /** The server that has heard all that this gateway has, by place. Another may lack the last of it. */
  readonly #toldTo = new Map<string, string>();
  readonly #instance = randomId();
  #looks = 0;

  constructor(options: RedisTierOptions) {
    this.#options = { leaseMs: LEASE_MS, nowMs: Date.now, startTimer: startRealTimer, ...options };
    this.#link = options.link;
  }

  async look(place: string, keys: readonly string[], after: Position | undefined): Promise<Looked[]> {
    const looked = new Map<string, Looked>();
    const endMs = performance.now() + this.#options.leaseMs + LEASE_POLL_MS.most;
    let waitMs = LEASE_POLL_MS.first;
    const isUsed = this.#link.isOpen && (await this.#makeUp(place));
    let busy = isUsed ? keys : [];
    while (busy.length > 0) {
      const parts = await Promise.all(chunks(busy).map((part) => this.#lookOnce(place, part, after, looked)));
      busy = parts.flat();
      if (busy.length === 0) break;
      if (performance.now() + waitMs > endMs) {
        this.#options.metrics.gaveUp(busy.length);
        break;
      }
      await this.#pause(waitMs);
      waitMs = Math.min(LEASE_POLL_MS.most, 2 * waitMs);
    }
    return keys.map((key) => looked.get(key) ?? { kind: "unknown" });
  }

  /** @returns the keys that another gateway fetches at the moment */
  async #lookOnce(
    place: string,
    keys: readonly string[],
    after: Position | undefined,
    looked: Map<string, Looked>,
  ): Promise<readonly string[]> {
    const token = `${this.#instance}.${this.#looks++}`;
    const { leaseMs } = this.#options;
    const args = [token, `${leaseMs}`, ...textOf(after), randomId(), ...textOf(this.#heard.get(place))];
    const answer = await runScript<LookReply>(this.#link, SCRIPTS.look, keysOf(place, keys), args);
    if (answer.kind === "unknown") this.#beginUnknown(keys, token, answer.later);
    if (answer.kind !== "reply") return [];
    const [id, tick, ...lookups] = answer.reply;
    return keys.filter((key, index) => {
      const lookup = lookups[index]!;
      if (isLeased(lookup)) this.#fetches.set(key, { under: { id, tick }, token });
      const known = this.#lookedOf(lookup);
      if (known) looked.set(key, known);
      return lookup[0] === "busy";
    });
  }

  /**
   * Redis may have given the leases, and the fetches begin all the same. Without this nobody gave them back:
   * on a busy machine one look in a hundred is answered late, and all other gateways waited for nothing.
   */
  #beginUnknown(
    keys: readonly string[],
    token: string,
    later: Promise<RedisAnswer<LookReply>> | undefined,
  ): void {
    for (const key of keys) if (!this.#fetches.has(key)) this.#fetches.set(key, { under: undefined, token });
    void later?.then((answer) => {
      if (answer.kind !== "reply") return;
      const [id, tick, ...lookups] = answer.reply;
      for (const [index, key] of keys.entries()) {
        const fetch = this.#fetches.get(key);
        if (fetch?.token === token && isLeased(lookups[index]!)) fetch.under = { id, tick };
      }
    });
  }

  #lookedOf(lookup: Lookup): Looked | undefined {
    if (lookup[0] === "leased") return { kind: "leased" };
    if (lookup[0] !== "found") return undefined;
    const [, value, leftMs, isToRefresh] = lookup;
    const entry = readEntry(value, leftMs, this.#options.nowMs());
    // Only the one who has the lease refreshes it.
    return { kind: "found", entry: isToRefresh ? entry : { ...entry, refreshAtMs: entry.endsAtMs } };
  }

  async put(place: string, fills: readonly Fill[]): Promise<void> {
    const ended = fills.flatMap((fill) => this.#endFetch(fill.key, fill) ?? []);
    const kept = ended.filter((each) => each.kept !== undefined);
    await Promise.all([
      ...chunks(kept).map((part) => this.#putPart(place, part)),
      this.#giveBack(
        place,
        ended.filter((each) => each.kept === undefined),
      ),
    ]);
  }

  async release(place: string, keys: readonly string[]): Promise<void> {
    await this.#giveBack(
      place,
      keys.flatMap((key) => this.#endFetch(key) ?? []),
    );
  }

  async invalidate(place: string, tags: readonly string[], position: Position): Promise<void> {
    await this.#tell(place, "tags", position, tags);
  }

  async dropPlace(place: string, position: Position): Promise<void> {
    await this.#tell(place, "place", position, []);
  }

  /** Undefined without a look before: it is not known what Redis had heard of when the fetch began. */
  #endFetch(key: string, fill?: Fill): Ended | undefined {
    const fetch = this.#fetches.get(key);
    if (!fetch) return undefined;
    this.#fetches.delete(key);
    const ended = { key, token: fetch.token };
    if (!fill || !fetch.under || this.#options.writes.arePaused()) return ended;
    const leftMs = Math.min(ENTRY_MS_MAX, Math.floor(fill.entry.endsAtMs - this.#options.nowMs()));
    const value = writeEntry(fill.entry, fetch.under);
    if (leftMs <= 0 || value.length > ENTRY_CHARACTERS_MAX) return ended;
    return { ...ended, kept: [value, `${leftMs}`] };
  }

  async #putPart(place: string, part: readonly Ended[]): Promise<void> {
    const { metrics, writes } = this.#options;
    const args = part.flatMap(({ token, kept }) => [token, ...kept!]);
    const keys = part.map(({ key }) => key);
    const answer = await runScript<PutOutcome[]>(this.#link, SCRIPTS.put, keysOf(place, keys), args);
    if (answer.kind === "reply") {
      for (const outcome of answer.reply) metrics.filled(outcome);
      writes.taken();
      return;
    }
    metrics.filled("lost", part.length);
    if (answer.kind !== "refused") return;
    writes.refused(answer.message);
    // The script has ended at the first entry that it could not keep.
    await this.#giveBack(place, part);
  }

  async #giveBack(place: string, ended: readonly Ended[]): Promise<void> {
    for (const part of chunks(ended)) {
      const keys = part.map(({ key }) => key);
      const tokens = part.map(({ token }) => token);
      await runScript(this.#link, SCRIPTS.release, keysOf(place, keys), tokens);
    }
  }

  async #tell(
    place: string,
    what: "tags" | "place",
    position: Position,
    tags: readonly string[],
  ): Promise<boolean> {
    raise(this.#heard, place, position);
    const { runId } = this.#link;
    const args = [what, ...textOf(position), randomId(), ...tags];
    const answer = await runScript(this.#link, SCRIPTS.tell, keysOf(place, []), args);
    if (answer.kind === "reply") {
      if (what === "place" && runId !== undefined) this.#toldTo.set(place, runId);
      return true;
    }
    raise(this.#untold, place, position);
    return false;
  }

  /** Drops the place if Redis may not have heard of all its changes. @returns whether it has heard now */
  async #makeUp(place: string): Promise<boolean> {
    const isOther = this.#toldTo.get(place) !== this.#link.runId;
    const position = this.#untold.get(place) ?? (isOther ? this.#heard.get(place) : undefined);
    if (!position) return true;
    const isTold = await this.#tell(place, "place", position, []);
    if (this.#untold.get(place) === position && isTold) this.#untold.delete(place);
    return isTold;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#options.startTimer(ms, resolve));
  }
}

const isLeased = (lookup: Lookup) => lookup[0] === "leased" || lookup[3] === 1;

const PREFIX = `teranga:${ENTRY_VERSION}`;

/** The history of the place, then the entries. */
function keysOf(place: string, keys: readonly string[]): string[] {
  return [`${PREFIX}:place:${place}`, ...keys.map((key) => `${PREFIX}:entry:${shortened(key)}`)];
}

/** Keys hold whole queries. */
function shortened(key: string): string {
  return createHash("sha256").update(key).digest("base64url");
}

const textOf = (position: Position | undefined): [timeline: string, lsn: string] =>
  position ? [`${position.timeline}`, `${position.lsn}`] : ["", ""];

function raise(positions: Map<string, Position>, place: string, position: Position): void {
  const known = positions.get(place);
  positions.set(place, known ? laterPosition(known, position) : position);
}

function chunks<Item>(items: readonly Item[]): (readonly Item[])[] {
  const count = Math.ceil(items.length / KEYS_MAX);
  return Array.from({ length: count }, (_, part) => items.slice(part * KEYS_MAX, (part + 1) * KEYS_MAX));
}

function randomId(): string {
  return randomBytes(9).toString("base64url");
}
