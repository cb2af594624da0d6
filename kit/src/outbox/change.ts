/** What the outbox tells. */
import type { Position } from "../reads/position.ts";

/** Something that has changed: one row, by its type and key. */
export interface Change {
  type: string;
  /** Null if any row of the type may have changed. */
  key: string | null;
}

/** Changes that were found together. */
export interface Changes {
  changes: readonly Change[];
  /**
   * Later than every position that anybody was told before the changes were visible. What was read at an
   * earlier position may lack them, and what is read at this one has them.
   */
  position: Position;
}

/** Hears what has changed, in the order in which it becomes visible. */
export interface ChangeListener {
  /**
   * An epoch has begun: from now on each change is told once, until the epoch ends. Whatever is kept from
   * before may lack changes that nobody tells.
   * @param recent what is known of the time before: everything that became visible within the last ten
   * minutes, and all that nobody was there to read
   */
  began(epoch: string, recent: Changes): void;
  changed(changes: Changes): void;
  /**
   * Every change was told that had happened when somebody was told this position, or one before it.
   * @param atMs when that was so, on the clock of the tail
   */
  confirmed(position: Position, atMs: number): void;
  /** Nobody reads the outbox until the next epoch. */
  ended(): void;
}
