/** What happened in a run, one line an event. Equal histories have equal digests. */
import { createHash } from "node:crypto";

/** A line longer than this says nothing more to a reader; the digest is of the whole. */
const LINE_MAX = 400;

export class History {
  readonly lines: string[] = [];
  readonly #digest = createHash("sha256");

  note(elapsedMs: number, who: string, what: string): void {
    const line = `${(elapsedMs / 1000).toFixed(3).padStart(8)} ${who.padEnd(9)} ${what}`;
    this.#digest.update(line);
    this.lines.push(line.length > LINE_MAX ? `${line.slice(0, LINE_MAX)}…` : line);
  }

  /** Of all lines so far. */
  digest(): string {
    return this.#digest.copy().digest("hex").slice(0, 16);
  }
}
