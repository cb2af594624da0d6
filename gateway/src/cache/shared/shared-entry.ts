/** Entries as Redis holds them: a line that the scripts read, then the entry's text (history.lua). */
import type { Position } from "@teranga/kit/reads/position.ts";
import type { PositionRange } from "@teranga/kit/reads/read-headers.ts";
import type { CacheEntry } from "../tier.ts";

/** The history that an entry was read under: that of the look before the fetch. */
export interface ReadUnder {
  id: string;
  tick: string;
}

type Head = [
  id: string,
  tick: number,
  range: 0 | number[],
  refreshMs: number,
  tags: readonly string[],
  others: string,
];

/** Clocks of gateways differ, so what is shared is how long before its end an entry is refreshed. */
export function writeEntry(entry: CacheEntry, { id, tick }: ReadUnder): string {
  const { json, range, others, tags, refreshAtMs, endsAtMs } = entry;
  const head: Head = [
    id,
    Number(tick),
    range ? numbersOf(range) : 0,
    endsAtMs - refreshAtMs,
    tags,
    others ?? "",
  ];
  return `${JSON.stringify(head)}\n${json}`;
}

/** @param leftMs how long the entry has to live */
export function readEntry(value: string, leftMs: number, nowMs: number): CacheEntry {
  const end = value.indexOf("\n");
  const [, , range, refreshMs, tags, others] = JSON.parse(value.slice(0, end)) as Head;
  const endsAtMs = nowMs + leftMs;
  return {
    json: value.slice(end + 1),
    range: range === 0 ? undefined : rangeOf(range),
    others,
    tags,
    refreshAtMs: endsAtMs - refreshMs,
    endsAtMs,
  };
}

const numbersOf = ({ includes, upTo }: PositionRange) => [
  includes.timeline,
  includes.lsn,
  upTo.timeline,
  upTo.lsn,
];

function rangeOf([timeline, lsn, upToTimeline, upToLsn]: readonly number[]): PositionRange {
  const position = (timeline = 0, lsn = 0): Position => ({ timeline, lsn });
  return { includes: position(timeline, lsn), upTo: position(upToTimeline, upToLsn) };
}
