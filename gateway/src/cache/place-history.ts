/**
 * What a gateway has heard of the changes of each place: it decides whether what was read is outdated.
 *
 * The number of remembered tags is bounded. The position of a tag that is forgotten becomes the floor of its
 * place: nothing that was read before it is taken.
 */
import { comparePositions, laterPosition, type Position } from "@teranga/kit/reads/position.ts";
import { LRUCache } from "lru-cache";
import type { CacheEntry, Invalidation } from "./tier.ts";

/** A tag of 20 characters takes about 300 bytes. */
const TAGS_MAX = 20_000;

/** Until when something has changed: by the database's log, and by the order of this gateway's calls. */
interface Mark {
  position: Position;
  tick: number;
}

interface Place {
  name: string;
  /** The latest that was seen; 0 if none was. */
  timeline: number;
  /** Of everything that is not remembered by its tag. */
  floor: Mark | undefined;
  /** What was read before this number is outdated, whatever it includes. */
  wroteAt: number;
  /** The latest of all. */
  latest: Mark | undefined;
  confirmed: Position | undefined;
}

export type Read = Pick<CacheEntry, "range" | "tags">;

export class PlaceHistory implements Invalidation {
  readonly #places = new Map<string, Place>();
  readonly #byTag: LRUCache<string, { place: Place; mark: Mark }>;
  #tick = 0;

  constructor(tagsMax = TAGS_MAX) {
    this.#byTag = new LRUCache({
      max: tagsMax,
      dispose: ({ place, mark }, _, reason) => {
        if (reason === "evict") place.floor = later(place.floor, mark);
      },
    });
  }

  /** The number of a read that begins now. Later calls have greater numbers. */
  begin(): number {
    return ++this.#tick;
  }

  invalidate(name: string, tags: readonly string[], position: Position): void {
    const place = this.#seen(name, position);
    const mark = this.#mark(position);
    place.latest = later(place.latest, mark);
    for (const tag of tags) {
      const key = tagKey(name, tag);
      this.#byTag.set(key, { place, mark: later(this.#byTag.peek(key)?.mark, mark) });
    }
  }

  dropPlace(name: string, position: Position): void {
    const place = this.#seen(name, position);
    place.floor = later(place.floor, this.#mark(position));
    place.confirmed = undefined;
  }

  /** Something has been written, perhaps, and its position is not known. */
  wrote(name: string): void {
    this.#place(name).wroteAt = ++this.#tick;
  }

  confirm(name: string, position: Position): void {
    const place = this.#seen(name, position);
    place.confirmed = place.confirmed ? laterPosition(place.confirmed, position) : position;
  }

  /** Must be called with the positions of what is read. */
  saw(name: string, position: Position): void {
    this.#seen(name, position);
  }

  /** Whether a change that is known may be missing in what was read. @param begun the number of `begin` */
  isOutdated(name: string, { range, tags }: Read, begun: number): boolean {
    const place = this.#places.get(name);
    if (place && begun < place.wroteAt) return true;
    return this.#marksOf(name, tags).some(({ position, tick }) =>
      range ? comparePositions(range.includes, position) < 0 : begun < tick,
    );
  }

  /** What must be included in what is read now, so that it can be kept. */
  neededFor(name: string, tags: readonly string[]): Position | undefined {
    return this.#marksOf(name, tags).reduce<Mark | undefined>(later, undefined)?.position;
  }

  /** Everything up to here is included in something that was read, is kept and was not invalidated. */
  includes(name: string, { range }: Read): Position | undefined {
    const confirmed = this.#places.get(name)?.confirmed;
    if (!range || confirmed?.timeline !== range.includes.timeline) return range?.includes;
    return laterPosition(range.includes, confirmed);
  }

  #marksOf(name: string, tags: readonly string[]): Mark[] {
    const place = this.#places.get(name);
    if (!place) return [];
    const told =
      tags.length === 0 ? [place.latest] : tags.map((tag) => this.#byTag.peek(tagKey(name, tag))?.mark);
    return [place.floor, ...told].filter((mark) => mark !== undefined);
  }

  #mark(position: Position): Mark {
    return { position, tick: ++this.#tick };
  }

  /**
   * A promotion may lose the end of the timeline before, and nobody tells what was undone with it. So nothing
   * of an earlier timeline is used.
   */
  #seen(name: string, { timeline }: Position): Place {
    const place = this.#place(name);
    if (place.timeline >= timeline) return place;
    // The first one that is seen is not a new one.
    const tick = place.timeline === 0 ? 0 : ++this.#tick;
    place.timeline = timeline;
    place.floor = later(place.floor, { position: { timeline, lsn: 0 }, tick });
    return place;
  }

  #place(name: string): Place {
    const known = this.#places.get(name);
    if (known) return known;
    const place = {
      name,
      timeline: 0,
      floor: undefined,
      wroteAt: 0,
      latest: undefined,
      confirmed: undefined,
    };
    this.#places.set(name, place);
    return place;
  }
}

const tagKey = (place: string, tag: string) => `${place} ${tag}`;

function later(a: Mark | undefined, b: Mark): Mark {
  if (!a) return b;
  return { position: laterPosition(a.position, b.position), tick: Math.max(a.tick, b.tick) };
}
