/**
 * Answers a fetch from what is kept, and asks the service for the rest. Whatever the service may lack or show
 * of the future, it is read through the session: an entry serves a client only if it includes all that the
 * client has seen, and moves what the client has seen to the end of what the entry may show.
 *
 *   kept ─ missing: another fetch brings it? ─ wait for that
 *                   else ─ the shared tier has it? ─ the service is asked, and what may be kept is
 */
import type { AnswerNotes } from "@teranga/kit/http/answer-notes.ts";
import { laterPosition, type Position } from "@teranga/kit/reads/position.ts";
import type { PositionRange } from "@teranga/kit/reads/read-headers.ts";
import type { JsonObject, PartAnswer } from "../ground/answer.ts";
import { ANYTHING, atLeast, type ReadAfter } from "../session/read-after.ts";
import { publicMaxAgeMs } from "./cache-control.ts";
import type { EntityCache } from "./entity-cache.ts";
import { type CacheableFetch, type KeptPart, partsOf, textKeyOf } from "./kept-fetch.ts";
import { historyOf, shownBy } from "./kept-history.ts";
import type { CacheEntry } from "./tier.ts";
import { type Fetched, isNothing, valuesOf, weave } from "./weave.ts";

/** A greater entry is fetched anew when it has ended: no client's room counts what is fetched before. */
const REFRESHED_LENGTH_MAX = 256 * 1024;

/** What a place answered, and what it said of the answer. */
export interface Asked {
  answer: PartAnswer;
  notes: AnswerNotes | undefined;
}

type AskService = (variables: JsonObject, after: ReadAfter) => Promise<Asked>;

/** One fetch for one client. */
export interface CachedAsk {
  fetch: CacheableFetch;
  /** What the client has seen. */
  after: ReadAfter;
  /** How long the client may be kept waiting. */
  waitMs: number;
  /** Asks the service for the client, and lets its session see the answer. Never throws. */
  ask: AskService;
  /** Asks the service for nobody. Never throws. */
  askBehind: AskService;
  /** @throws TransportError if there is no room for a text that is kept */
  takeRoom: (bytes: number) => Promise<void>;
  /**
   * The client is given what shows these parts of places' histories, that of this place first; undefined if
   * it is not known which.
   */
  saw: (ranges: ReadonlyMap<string, PositionRange> | undefined) => void;
}

/** @throws TransportError if there is no room for what is kept */
export async function askThroughCache(cache: EntityCache, asking: CachedAsk): Promise<PartAnswer> {
  const { fetch, after, ask } = asking;
  const textKey = textKeyOf(fetch);
  const isKeepable = cache.isKeepable(textKey);
  const parts = isKeepable === false ? [] : partsOf(fetch, textKey);
  if (parts.length === 0) {
    const asked = await ask(fetch.variables, after);
    learn(cache, textKey, asked);
    return asked.answer;
  }
  return new CachedFetch(cache, asking, { textKey, parts }).answer(isKeepable === true);
}

/** The state of one fetch. */
class CachedFetch {
  readonly #cache: EntityCache;
  readonly #asking: CachedAsk;
  readonly #textKey: string;
  readonly #parts: readonly KeptPart[];
  readonly #unique: ReadonlyMap<string, KeptPart>;
  readonly #wanted: Position | undefined;
  readonly #found = new Map<string, CacheEntry>();
  readonly #fetched: Fetched[] = [];

  constructor(
    cache: EntityCache,
    asking: CachedAsk,
    { textKey, parts }: { textKey: string; parts: KeptPart[] },
  ) {
    this.#cache = cache;
    this.#asking = asking;
    this.#textKey = textKey;
    this.#parts = parts;
    this.#unique = new Map(parts.map((part) => [part.key, part]));
    this.#wanted = asking.after.seen?.get(asking.fetch.place);
  }

  /** @param isKeepable whether an answer to this text was kept before, so that it is worth a wait */
  async answer(isKeepable: boolean): Promise<PartAnswer> {
    const { after, fetch } = this.#asking;
    const isKnownHere = after.seen !== undefined && !after.keptMayLack;
    // Otherwise what is being fetched will do, and nothing else.
    const mayUse = isKnownHere && this.#cache.mayServe(fetch.place);
    const all = [...this.#unique.values()];
    let missing = mayUse ? this.#missing(all) : all;
    this.#cache.looked(all.length - missing.length, missing.length);
    this.#refresh();
    if (missing.length > 0 && isKnownHere && isKeepable) missing = await this.#share(missing, mayUse);
    if (missing.length > 0) await this.#fetch(missing, this.#cache.history.begin());
    return this.#woven();
  }

  /** Takes what is kept, and returns the rest. @param since the number of the earliest read that will do */
  #missing(parts: readonly KeptPart[], since?: (part: KeptPart) => number): KeptPart[] {
    return parts.filter((part) => {
      const { key } = part;
      const entry = this.#cache.find(this.#asking.fetch.place, key, this.#wanted, since?.(part));
      if (entry) this.#found.set(key, entry);
      return !entry;
    });
  }

  /** Waits for the parts that others fetch and fetches the rest for all. Returns what there is still not. */
  async #share(missing: readonly KeptPart[], mayUse: boolean): Promise<KeptPart[]> {
    const { flights, history } = this.#cache;
    const { place } = this.#asking.fetch;
    const joined = new Map(
      missing.flatMap((part) => {
        const flight = flights.find(part.key, this.#wanted);
        const isNew =
          flight && !history.isOutdated(place, { range: undefined, tags: part.tags }, flight.begun);
        return isNew ? [[part, flight] as const] : [];
      }),
    );
    const own = missing.filter((part) => !joined.has(part));
    const wait = joined.size > 0 ? flights.wait(joined.values(), this.#asking.waitMs) : undefined;
    await Promise.all([wait, own.length > 0 ? this.#lead(own, mayUse) : undefined]);
    return this.#missing([...joined.keys()], mayUse ? undefined : (part) => joined.get(part)!.begun);
  }

  /** Fetches parts while others wait for them. */
  async #lead(own: readonly KeptPart[], mayUse: boolean): Promise<void> {
    const begun = this.#cache.history.begin();
    const after = this.#needed(this.#asking.after, own);
    const end = this.#begin(own, after, begun);
    try {
      const take = (part: KeptPart, entry: CacheEntry) => {
        this.#found.set(part.key, entry);
        // The next reader refreshes it: nobody waits for that.
        if (this.#cache.isToRefresh(entry)) this.#release([part]);
        return true;
      };
      const left = mayUse ? await this.#lookInShared(own, this.#wanted, begun, take) : own;
      if (left.length > 0) await this.#fetch(left, begun);
    } finally {
      end();
    }
  }

  #begin(parts: readonly KeptPart[], { seen }: ReadAfter, begun: number): () => void {
    const after = seen?.get(this.#asking.fetch.place);
    return this.#cache.flights.begin(
      parts.map(({ key }) => key),
      { after, begun },
    );
  }

  /** Keeps in memory what the shared tier has. @param take whether an entry will do. Returns the rest */
  async #lookInShared(
    parts: readonly KeptPart[],
    after: Position | undefined,
    begun: number,
    take: (part: KeptPart, entry: CacheEntry) => boolean,
  ): Promise<readonly KeptPart[]> {
    const { shared } = this.#cache;
    if (!shared) return parts;
    const { place } = this.#asking.fetch;
    const looked = await shared.look(
      place,
      parts.map(({ key }) => key),
      after,
    );
    return parts.filter((part, index) => {
      const found = looked[index];
      if (found?.kind !== "found") return true;
      const { entry } = found;
      return this.#cache.take(place, { key: part.key, entry }, begun) === "stale" || !take(part, entry);
    });
  }

  async #fetch(parts: readonly KeptPart[], begun: number): Promise<void> {
    const asked = await this.#asking.ask(this.#variablesFor(parts), this.#needed(this.#asking.after, parts));
    this.#keep(parts, asked, begun);
    this.#fetched.push({ parts, answer: asked.answer });
  }

  #variablesFor(parts: readonly KeptPart[]): JsonObject {
    const { variables } = this.#asking.fetch;
    if (parts.length === this.#parts.length) return variables;
    return { ...variables, representations: parts.map(({ representation }) => representation) };
  }

  /** What must be included so that the answer can be kept, and what the client needs. */
  #needed(after: ReadAfter, parts: readonly KeptPart[]): ReadAfter {
    const { fetch } = this.#asking;
    const needed = parts.flatMap(({ tags }) => this.#cache.history.neededFor(fetch.place, tags) ?? []);
    return needed.length === 0 ? after : atLeast(after, fetch, needed.reduce(laterPosition));
  }

  /** Keeps each part of a whole answer without errors, if the service allows it to everybody. */
  #keep(parts: readonly KeptPart[], asked: Asked, begun: number): void {
    const { place } = this.#asking.fetch;
    const maxAgeMs = learn(this.#cache, this.#textKey, asked);
    const values = maxAgeMs === 0 ? undefined : valuesOf(parts, asked.answer);
    const history = historyOf(place, asked.notes?.positions);
    if (!values || history === "another") {
      this.#release(parts);
      return;
    }
    const named = asked.notes?.cacheTags?.split(",").map((tag) => tag.trim());
    this.#cache.keep({
      place,
      begun,
      ...history,
      maxAgeMs,
      parts: parts.map(({ key, tags, representation }, index) => ({
        key,
        tags:
          representation === undefined
            ? (named ?? tags)
            : tags.length === 0
              ? tags
              : [...tags, ...(named ?? [])],
        json: JSON.stringify(values[index]),
        isNothing: isNothing(values[index], representation !== undefined),
      })),
    });
  }

  /** Gives back the leases of what is not filled. */
  #release(parts: readonly KeptPart[]): void {
    const keys = parts.map(({ key }) => key);
    void this.#cache.shared?.release(this.#asking.fetch.place, keys);
  }

  /** Fetches anew what is used and about to end. */
  #refresh(): void {
    const old = [...this.#found].filter(
      ([key, entry]) =>
        this.#cache.isToRefresh(entry) &&
        entry.json.length <= REFRESHED_LENGTH_MAX &&
        !this.#cache.flights.has(key),
    );
    if (old.length === 0) return;
    const parts = old.map(([key]) => this.#unique.get(key)!);
    const { fetch } = this.#asking;
    // A replica could answer with less than what is kept.
    const includes = old.flatMap(([, { range }]) => range?.includes ?? []);
    const kept = includes.length === 0 ? ANYTHING : atLeast(ANYTHING, fetch, includes.reduce(laterPosition));
    this.#cache.refresh(() => this.#fetchBehind(parts, this.#needed(kept, parts)));
  }

  async #fetchBehind(parts: readonly KeptPart[], after: ReadAfter): Promise<void> {
    const begun = this.#cache.history.begin();
    const end = this.#begin(parts, after, begun);
    try {
      const position = after.seen?.get(this.#asking.fetch.place);
      const isNew = (_: KeptPart, entry: CacheEntry) => !this.#cache.isToRefresh(entry);
      const left = await this.#lookInShared(parts, position, begun, isNew);
      if (left.length > 0) {
        this.#keep(left, await this.#asking.askBehind(this.#variablesFor(left), after), begun);
      }
    } finally {
      end();
    }
  }

  async #woven(): Promise<PartAnswer> {
    const [only] = this.#fetched;
    if (this.#found.size === 0 && only?.parts.length === this.#parts.length) return only.answer;
    await this.#takeFound();
    if (this.#parts[0]!.representation === undefined) {
      const { json } = this.#found.get(this.#parts[0]!.key)!;
      return { kind: "answered", data: JSON.parse(json) as JsonObject, errors: [] };
    }
    const values = new Map<string, unknown>();
    for (const [key, { json }] of this.#found) values.set(key, JSON.parse(json));
    return weave(this.#parts, values, this.#fetched);
  }

  /** Counts what is kept as if it had been read now: for the room of answers, and for the session. */
  async #takeFound(): Promise<void> {
    const entries = [...this.#found.values()];
    if (entries.length === 0) return;
    await this.#asking.takeRoom(entries.reduce((bytes, { json }) => bytes + json.length, 0));
    this.#asking.saw(shownBy(this.#asking.fetch.place, entries));
  }
}

/** Remembers whether answers to the text may be kept. Returns for how long this one may. */
function learn(cache: EntityCache, textKey: string, { answer, notes }: Asked): number {
  if (answer.kind === "failed" || answer.errors.length > 0) return 0;
  const maxAgeMs = publicMaxAgeMs(notes?.cacheControl);
  if (cache.isKeepable(textKey) !== maxAgeMs > 0) cache.learn(textKey, maxAgeMs > 0);
  return maxAgeMs;
}
