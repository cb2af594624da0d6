/**
 * A standard output that may lose lines but never holds up the program: on a full disk, in a pipe that is not
 * read, in a closed pipe.
 *
 * pino's own destination ends the process on a full disk. On a slow pipe it blocks the whole process.
 */
import { writeSync } from "node:fs";
import { Socket } from "node:net";

/** Bytes that wait for a slow pipe: a minute of a busy gateway's lines. Beyond this, lines are lost. */
const WAITING_BYTES_MAX = 1024 * 1024;

/** Takes text or throws. Returns how many bytes it took. */
export type Sink = (text: string) => number;

/**
 * A destination for lines. Lines that a sink refuses are counted. The count is written
 * once the sink takes lines again.
 */
export class LossyOutput {
  readonly #sink: Sink;
  /** Makes the line that says how many lines were lost. */
  readonly #noticeOf: (lostLines: number) => string;
  #lostLines = 0;
  /** The last line was written only in part, so a line end must come before the next one. */
  #isTorn = false;

  constructor(noticeOf: (lostLines: number) => string, sink: Sink = standardOutput()) {
    this.#sink = sink;
    this.#noticeOf = noticeOf;
  }

  /**
   * Never throws.
   * @param line with its line end
   */
  write(line: string): void {
    if (!this.#put(line)) this.#lostLines++;
    else if (this.#lostLines > 0 && this.#put(this.#noticeOf(this.#lostLines))) this.#lostLines = 0;
  }

  #put(line: string): boolean {
    const text = this.#isTorn ? `\n${line}` : line;
    try {
      const taken = this.#sink(text);
      this.#isTorn = taken > 0 ? taken < Buffer.byteLength(text) : this.#isTorn;
      return taken > 0 && !this.#isTorn;
    } catch {
      return false;
    }
  }
}

/** The event loop writes pipes without blocking. A file takes a line at once or says why not. */
function standardOutput(): Sink {
  const stream: NodeJS.WriteStream = process.stdout;
  if (!(stream instanceof Socket) || stream.isTTY) return (text) => writeSync(1, text);
  return (text) => {
    if (!stream.writable) throw new Error("the pipe is closed");
    const bytes = Buffer.byteLength(text);
    if (stream.writableLength + bytes > WAITING_BYTES_MAX) throw new Error("the pipe is not read");
    stream.write(text);
    return bytes;
  };
}

/**
 * Lets the program go on when its output is closed early (a killed `| tee`, a closed terminal) or its disk is
 * full. The output is lost; the program goes on.
 */
export function outliveOutput(): void {
  // Whatever the error is (EPIPE, EIO, ENOSPC), there is nowhere left to report it.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
}
