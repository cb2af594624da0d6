/**
 * The last changes of a database, numbered within an epoch, for callers that follow them. Whoever is behind
 * by more than is kept, or comes with another epoch, has a gap.
 */
import { type Position, printPosition } from "../reads/position.ts";
import type { ChangeListener, Changes } from "./change.ts";
import type { ChangesAnswer } from "./changes-answer.ts";
import { CHANGES_MAX } from "./outbox-table.ts";

/** Where a caller is: it knows all changes of an epoch up to a number. */
export interface Cursor {
  epoch: string;
  number: number;
}

type Told = ChangesAnswer["changes"][number];

interface Epoch {
  id: string;
  /** The number of the last change; the first has 1. */
  number: number;
  /** The position of the last change, or of the beginning. */
  position: Position;
  confirmed: Position;
  confirmedAtMs: number;
  /** The last ones, from old to new. */
  changes: Told[];
}

export class RecentChanges implements ChangeListener {
  readonly #nowMs: () => number;
  #epoch: Epoch | undefined;
  readonly #waiting = new Set<() => void>();

  /** @param nowMs the clock of the tail */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** @param number of the last change before, if the epoch is followed from somewhere within it */
  began(id: string, { position }: Changes, number = 0): void {
    const confirmedAtMs = this.#nowMs();
    this.#epoch = { id, number, position, confirmed: position, confirmedAtMs, changes: [] };
  }

  changed({ changes, position }: Changes): void {
    const epoch = this.#epoch!;
    const told = changes.map(({ type, key }): Told => [type, key, printPosition(position)]);
    epoch.changes = [...epoch.changes, ...told].slice(-CHANGES_MAX);
    epoch.number += changes.length;
    epoch.position = position;
    this.#wake();
  }

  confirmed(position: Position, atMs: number): void {
    Object.assign(this.#epoch!, { confirmed: position, confirmedAtMs: atMs });
  }

  ended(): void {
    this.#epoch = undefined;
    this.#wake();
  }

  /** Whether there is nothing to tell a caller that is there. */
  isUpToDate(cursor: Cursor | undefined): boolean {
    return cursor !== undefined && cursor.epoch === this.#epoch?.id && cursor.number === this.#epoch.number;
  }

  /** Calls back at the next change, or at the epoch's end. @returns a function that calls it off */
  onNext(run: () => void): () => void {
    this.#waiting.add(run);
    return () => this.#waiting.delete(run);
  }

  /** What a caller has to know; undefined while nobody reads the outbox. */
  since(cursor: Cursor | undefined): Omit<ChangesAnswer, "waitedMs"> | undefined {
    if (!this.#epoch) return undefined;
    const { id, number, position, confirmed, confirmedAtMs, changes } = this.#epoch;
    const behind = cursor?.epoch === id ? number - cursor.number : Number.POSITIVE_INFINITY;
    const isGap = behind < 0 || behind > changes.length;
    return {
      epoch: id,
      number,
      isGap,
      position: printPosition(position),
      confirmed: printPosition(confirmed),
      ageMs: this.#nowMs() - confirmedAtMs,
      changes: isGap || behind === 0 ? [] : changes.slice(-behind),
    };
  }

  #wake(): void {
    for (const run of this.#waiting) run();
    this.#waiting.clear();
  }
}
