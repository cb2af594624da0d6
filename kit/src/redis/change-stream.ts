/**
 * A place's changes in Redis: a stream, to which each instance of its service appends what its outbox tells,
 * and for each instance's epoch a key that says how far the changes were told at last.
 *
 * Redis may lose what was appended (away, full, a fail-over), and a service appends nothing twice. Numbers
 * show a reader what it lacks; it asks the service for that.
 */
import { z } from "zod";
import type { Change, ChangeListener, Changes } from "../outbox/change.ts";
import { type Position, parsePosition, printPosition } from "../reads/position.ts";
import type { RedisLink } from "./redis-link.ts";

/** More than the last 1,000, which a service has for those who are behind. */
const STREAM_MAX = 10_000;
/** The tail of an outbox confirms at each reading, so several times a second. */
const CONFIRMED_MS = 2_000;

const PREFIX = "teranga:changes:1";
export const streamKey = (place: string) => `${PREFIX}:${place}`;
export const confirmedKey = (place: string, epoch: string) => `${PREFIX}:${place}:${epoch}`;

/** One entry of the stream. */
export interface StreamedChanges extends Changes {
  epoch: string;
  /** The number of the last change before these. */
  after: number;
}

export interface StreamedConfirmation {
  /** Differs from that of every other confirmation of the epoch. */
  mark: string;
  /** Of the last change that was told. */
  number: number;
  position: Position;
  /** How old it was when it was sent. */
  ageMs: number;
}

/** Appends what it hears to the stream of a place. @param nowMs the clock of the tail */
export function streamChanges(link: RedisLink, place: string, nowMs: () => number): ChangeListener {
  let epoch = "";
  let number = 0;
  let confirmations = 0;
  return {
    began(id) {
      epoch = id;
      number = 0;
    },
    changed({ changes, position }) {
      const told = JSON.stringify(changes.map(({ type, key }) => [type, key]));
      const fields = [
        "epoch",
        epoch,
        "after",
        `${number}`,
        "position",
        printPosition(position),
        "changes",
        told,
      ];
      number += changes.length;
      void link.ask(["XADD", streamKey(place), "MAXLEN", "~", `${STREAM_MAX}`, "*", ...fields]);
    },
    confirmed(position, atMs) {
      const ageMs = Math.ceil(nowMs() - atMs);
      const value = `${confirmations++} ${number} ${printPosition(position)} ${ageMs}`;
      void link.ask(["SET", confirmedKey(place, epoch), value, "PX", `${CONFIRMED_MS}`]);
    },
    ended() {
      void link.ask(["DEL", confirmedKey(place, epoch)]);
    },
  };
}

const count = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);
const position = z.string().transform((text, context): Position => {
  const parsed = parsePosition(text);
  if (parsed) return parsed;
  context.addIssue("no position");
  return z.NEVER;
});
const changes = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue("no JSON");
      return z.NEVER;
    }
  })
  .pipe(z.array(z.tuple([z.string(), z.string().nullable()])));
const streamed = z.tuple([
  ...[z.literal("epoch"), z.string(), z.literal("after"), count],
  ...[z.literal("position"), position, z.literal("changes"), changes],
] as const);
const confirmation = z.tuple([z.string(), count, position, count]);

/** Undefined for what a program of another version may have written. */
export function readStreamed(fields: readonly string[]): StreamedChanges | undefined {
  const { data } = streamed.safeParse(fields);
  if (!data) return undefined;
  const [, epoch, , after, , at, , told] = data;
  return { epoch, after, position: at, changes: told.map(([type, key]): Change => ({ type, key })) };
}

/** Undefined if there is none. */
export function readConfirmation(value: string | null): StreamedConfirmation | undefined {
  const { data } = confirmation.safeParse(value?.split(" "));
  if (!data) return undefined;
  const [mark, number, at, ageMs] = data;
  return { mark, number, position: at, ageMs };
}
