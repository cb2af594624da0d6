/** What is read of one place's stream: the changes of one epoch from some number on, without a hole. */
import { RecentChanges } from "@teranga/kit/outbox/recent-changes.ts";
import type { StreamedChanges, StreamedConfirmation } from "@teranga/kit/redis/change-stream.ts";

/** Confirmations come several times a second. Without one the service is asked. */
const SILENCE_MS = 600;

export class StreamTrack {
  readonly place: string;
  readonly epoch: string;
  /** The id of the last entry that was read; undefined before the end of the stream is known. */
  id: string | undefined;
  readonly #nowMs: () => number;
  /** Undefined until it is known from which number on changes are read. */
  #recent: { changes: RecentChanges; number: number } | undefined;
  /** Of the last confirmation. */
  #mark: string | undefined;
  /** When the last reading of confirmations began: one with a new mark was written after that. */
  #readAtMs = Number.NEGATIVE_INFINITY;
  #confirmedAtMs = Number.NEGATIVE_INFINITY;

  constructor(place: string, epoch: string, nowMs: () => number) {
    this.place = place;
    this.epoch = epoch;
    this.#nowMs = nowMs;
  }

  /** The changes, if they are known to be all that there are. */
  get live(): RecentChanges | undefined {
    return this.#nowMs() - this.#confirmedAtMs < SILENCE_MS ? this.#recent?.changes : undefined;
  }

  /** Begins anew at the end of the stream. */
  lose(): void {
    this.#recent?.changes.ended();
    this.id = undefined;
    this.#recent = undefined;
    this.#mark = undefined;
    this.#readAtMs = Number.NEGATIVE_INFINITY;
    this.#confirmedAtMs = Number.NEGATIVE_INFINITY;
  }

  /** A confirmation says which number the stream has reached at least. */
  begin(confirmation: StreamedConfirmation | undefined): void {
    if (this.#recent || !confirmation) return;
    const { number, position, mark } = confirmation;
    const changes = new RecentChanges(this.#nowMs);
    changes.began(this.epoch, { changes: [], position }, number);
    this.#recent = { changes, number };
    this.#mark = mark;
  }

  /** Changes with numbers up to the first confirmation's are known already. */
  take(streamed: StreamedChanges | undefined): void {
    const recent = this.#recent;
    if (!recent || streamed?.epoch !== this.epoch) return;
    const known = recent.number - streamed.after;
    const changes = streamed.changes.slice(Math.max(0, known));
    if (known < 0) this.lose();
    else if (changes.length > 0) {
      recent.number += changes.length;
      recent.changes.changed({ changes, position: streamed.position });
    }
  }

  /**
   * @param readAtMs when the reading of confirmations began
   * @param confirmation what was read then. All entries that were appended before are taken
   */
  confirm(readAtMs: number, confirmation: StreamedConfirmation | undefined): void {
    const previousMs = this.#readAtMs;
    this.#readAtMs = readAtMs;
    const recent = this.#recent;
    if (!recent || !confirmation || confirmation.mark === this.#mark) return;
    if (confirmation.number > recent.number) this.lose();
    else {
      this.#mark = confirmation.mark;
      this.#confirmedAtMs = Math.max(this.#confirmedAtMs, previousMs - confirmation.ageMs);
      recent.changes.confirmed(confirmation.position, this.#confirmedAtMs);
    }
  }
}
