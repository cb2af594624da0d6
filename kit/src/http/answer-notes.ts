/**
 * What an answer says of itself in its headers: from where and when it is (docs/reads.md), and whether it may
 * be kept. The texts are as they came; whoever needs one reads it.
 */
import { POSITIONS_HEADER, READ_FROM_HEADER } from "../reads/read-headers.ts";

/** Names what an answer shows, for who keeps it: with commas between. */
export const CACHE_TAGS_HEADER = "x-cache-tags";

export interface AnswerNotes {
  /** `x-positions` */
  positions?: string | undefined;
  /** `x-read-from` */
  readFrom?: string | undefined;
  /** `cache-control` */
  cacheControl?: string | undefined;
  /** `x-cache-tags` */
  cacheTags?: string | undefined;
}

/**
 * The longest text that is taken: 150 places with their positions. All headers of an answer together may have
 * 16 kB, or the answer is none.
 */
export const NOTE_LENGTH_MAX = 8_000;

/** Undefined for an answer that says nothing of this, as most do. */
export function readNotes(headers: Record<string, string | string[] | undefined>): AnswerNotes | undefined {
  const positions = headers[POSITIONS_HEADER];
  const readFrom = headers[READ_FROM_HEADER];
  const cacheControl = headers["cache-control"];
  const cacheTags = headers[CACHE_TAGS_HEADER];
  if (positions === undefined && readFrom === undefined && cacheControl === undefined) return undefined;
  const tags = noteOf(cacheTags);
  // Without its tags an answer could be kept, but not be dropped when it is outdated.
  const mayBeKept = cacheTags === undefined || tags !== undefined;
  return {
    positions: noteOf(positions),
    readFrom: noteOf(readFrom),
    cacheControl: mayBeKept ? noteOf(cacheControl) : undefined,
    cacheTags: tags,
  };
}

/** A part of a list could be taken for the whole. So a longer text is as good as none. */
function noteOf(value: string | string[] | undefined): string | undefined {
  const text = value?.toString();
  return text !== undefined && text.length <= NOTE_LENGTH_MAX ? text : undefined;
}
