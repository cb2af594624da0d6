/**
 * The session of one client request: what its client has seen of each place, from the tokens that it sent and
 * from the answers to this request so far. It decides from where the next fetches may be answered, and makes
 * the token that the client gets.
 */
import type { AnswerNotes } from "@teranga/kit/http/answer-notes.ts";
import { comparePositions, type Position } from "@teranga/kit/reads/position.ts";
import {
  FROM_PRIMARY,
  type PositionRange,
  parseRanges,
  printPositions,
} from "@teranga/kit/reads/read-headers.ts";
import { ANYTHING, areSiblings, type ReadAfter, type Reads, UNCERTAIN } from "./read-after.ts";
import { mergeSeen, type TokenSeal, UNCERTAIN_MS } from "./session-token.ts";

/** The name of the header, of the cookies and of the extension that carry a token. */
export const SESSION_HEADER = "teranga-session";

/** In place of a token: the client has more of them than it can send. */
const UNKNOWN = "unknown";
/** Requests that run side by side end with a token each. What a client with more has seen is not known. */
const TOKENS_MAX = 64;

/**
 * Why a token is of no use. `forged`: no gateway of this cluster made it. `many`: it is one of too many.
 * `future`: a database is not as far as it says, because it has been set back.
 */
export type TokenFault = "forged" | "many" | "future";

export interface SessionMeans {
  seal: TokenSeal;
  /** Milliseconds since 1970. */
  nowMs: () => number;
  onFault?: ((fault: TokenFault) => void) | undefined;
}

/** A place that was asked, and what its request said. */
export interface AskedRead {
  place: string;
  reads: Reads;
  after: ReadAfter;
  /** Whether the request may have changed something. */
  mayWrite: boolean;
}

export class Session {
  /** Undefined if the client keeps its token by itself, otherwise how long its cookie may be. */
  readonly cookieLengthMax: number | undefined;
  readonly #means: SessionMeans;
  /** The client's tokens that are not read yet. Most requests ask no place that needs them. */
  #tokens: readonly string[];
  /** The one that moved last is last. */
  #positions = new Map<string, Position>();
  /** The nodes whose position covers what was seen at their siblings. */
  #covering = new Set<string>();
  #uncertainUntilMs = 0;
  #hasMoved = false;

  constructor(tokens: readonly string[], means: SessionMeans, cookieLengthMax?: number) {
    this.#tokens = tokens;
    this.#means = means;
    this.cookieLengthMax = cookieLengthMax;
  }

  /** What a request to the place must say now. */
  readAfter(place: string, reads: Reads): ReadAfter {
    this.#readTokens();
    switch (reads) {
      case "own": {
        const position = this.#positions.get(place);
        if (!position) return this.#isUncertain ? UNCERTAIN : ANYTHING;
        const seen = new Map([[place, position]]);
        return { header: printPositions(seen), seen };
      }
      case "node":
        return this.#readAfterNodes(place);
      case "others":
        return { header: FROM_PRIMARY, seen: this.#isUncertain ? undefined : new Map(this.#positions) };
      default:
        return reads satisfies never;
    }
  }

  /**
   * Takes in what an answer tells.
   * @param isOwn whether a place's answers may be older than its primary. Of others nothing need be known
   */
  saw(asked: AskedRead, notes: AnswerNotes | undefined, isOwn: (place: string) => boolean): void {
    const ranges = notes?.positions === undefined ? undefined : parseRanges(notes.positions);
    const [teller] = ranges?.keys() ?? [];
    if (!tells(asked, teller, ranges)) this.sawUnknown();
    const isPrimary = notes?.readFrom?.startsWith(FROM_PRIMARY) === true;
    for (const [place, { upTo }] of ranges ?? []) {
      const isOfTeller = asked.reads !== "node" || place === teller;
      if (isOwn(place))
        this.#sawUpTo(place, upTo, { after: asked.after, isPrimary: isPrimary && isOfTeller });
    }
    if (asked.reads === "node" && ranges && teller !== undefined) this.#cover(teller, ranges);
  }

  /** Something may have been seen or written that no position tells. */
  sawUnknown(): void {
    this.#positions.clear();
    this.#covering.clear();
    this.#uncertainUntilMs = this.#means.nowMs() + UNCERTAIN_MS;
    this.#hasMoved = true;
  }

  /** The token that the client must have from now on. Undefined if what it has will do. */
  token(): string | undefined {
    if (!this.#hasMoved) return undefined;
    const { seal, nowMs } = this.#means;
    const [positions, covering] = [this.#positions, this.#covering];
    const seen = { positions, covering, uncertainUntilMs: this.#uncertainUntilMs };
    return seal.print(seen, nowMs(), this.cookieLengthMax);
  }

  get #isUncertain(): boolean {
    return this.#uncertainUntilMs > this.#means.nowMs();
  }

  /** Any node may answer that has what was seen of all of them. */
  #readAfterNodes(place: string): ReadAfter {
    const seen = new Map([...this.#positions].filter(([name]) => areSiblings(name, place)));
    const isCovered = [...seen.keys()].some((name) => this.#covering.has(name));
    if (this.#isUncertain && !isCovered) return UNCERTAIN;
    const isKnownHere = seen.size === 0 || this.#covering.has(place);
    return { header: printPositions(seen), seen, keptMayLack: !isKnownHere };
  }

  /** A node has answered: from now on its position may say what was seen at the others. */
  #cover(teller: string, ranges: ReadonlyMap<string, PositionRange>): void {
    const siblings = [...this.#positions].filter(([place]) => areSiblings(place, teller));
    const isCovered = siblings.every(([place, position]) => {
      const upTo = place === teller ? position : ranges.get(place)?.upTo;
      return upTo && comparePositions(upTo, position) >= 0;
    });
    if (isCovered && this.#covering.has(teller)) return;
    for (const [place] of siblings) this.#covering.delete(place);
    if (isCovered && this.#positions.has(teller)) this.#covering.add(teller);
    this.#hasMoved = true;
  }

  #sawUpTo(
    place: string,
    upTo: Position,
    { after, isPrimary }: { after: ReadAfter; isPrimary: boolean },
  ): void {
    const seen = this.#positions.get(place);
    // An answer to what was asked before it became uncertain makes nothing certain.
    if (!seen && this.#isUncertain && after.seen) return;
    if (seen && comparePositions(upTo, seen) <= 0) {
      const wanted = after.seen?.get(place);
      const isBehind = wanted?.timeline === upTo.timeline && upTo.lsn < wanted.lsn;
      // A primary that is not as far as what was seen of it is another one than that.
      if (!isPrimary || !isBehind || comparePositions(wanted, seen) !== 0) return;
      this.#means.onFault?.("future");
    }
    this.#positions.delete(place);
    this.#positions.set(place, upTo);
    this.#hasMoved = true;
  }

  #readTokens(): void {
    const tokens = this.#tokens;
    if (tokens.length === 0) return;
    this.#tokens = [];
    const { seal, nowMs, onFault } = this.#means;
    const all = tokens.slice(0, TOKENS_MAX).flatMap((token) => {
      const seen = seal.read(token);
      if (!seen && token !== UNKNOWN) onFault?.("forged");
      return seen ?? [];
    });
    const { positions, uncertainUntilMs, covering } = mergeSeen(all, nowMs());
    this.#positions = new Map(positions);
    this.#covering = new Set(covering);
    this.#uncertainUntilMs = uncertainUntilMs;
    if (tokens.length > TOKENS_MAX) onFault?.("many");
    if (tokens.length > TOKENS_MAX || tokens.includes(UNKNOWN)) this.sawUnknown();
  }
}

/**
 * Whether the answer tells what must be known of it.
 * @param teller the place that its positions begin with
 */
function tells(
  { place, reads, mayWrite }: AskedRead,
  teller: string | undefined,
  ranges: ReadonlyMap<string, PositionRange> | undefined,
): boolean {
  switch (reads) {
    case "own":
      return ranges?.has(place) === true;
    case "node":
      return teller !== undefined && areSiblings(teller, place);
    case "others":
      return ranges !== undefined || !mayWrite;
    default:
      return reads satisfies never;
  }
}
