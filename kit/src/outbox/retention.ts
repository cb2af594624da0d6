/**
 * Which rows of the outbox may go: those that have been visible for ten minutes. The time of a row would not
 * tell, because its transaction may be committed an hour later. So the snapshots of the last ten minutes are
 * remembered, and what the oldest of them saw may go. Nothing goes within ten minutes of a start.
 */
const KEPT_MS = 600_000;
const STEP_MS = 60_000;

export class Retention {
  /** From old to new; a few more than one a minute. */
  readonly #snapshots: { snapshot: string; atMs: number }[] = [];

  /** @returns the snapshot whose rows may go, once a minute */
  see(snapshot: string, atMs: number): string | undefined {
    const newest = this.#snapshots.at(-1);
    if (newest && atMs - newest.atMs < STEP_MS) return undefined;
    this.#snapshots.push({ snapshot, atMs });
    let old: string | undefined;
    while (this.#snapshots[0]!.atMs <= atMs - KEPT_MS) old = this.#snapshots.shift()!.snapshot;
    return old;
  }
}
