/**
 * Standard output that may lose lines and never holds up the program: on a full disk, in a pipe that nobody
 * reads, in one that is closed.
 *
 * pino's own destination ends the process on a full disk, and waits for a slow pipe with everything that the
 * process does.
 */
import { writeSync } from "node:fs";
import { Socket } from "node:net";

/** What waits for a slow pipe. A minute of a busy gateway's lines; beyond it lines are lost. */
const WAITING_BYTES_MAX = 1024 * 1024;

/** Takes text or throws; returns how many bytes it took. */
export type Sink = (text: string) => number;

/** A destination for lines. What a sink refuses is counted, and said once it takes lines again. */
export class LossyOutput {
  readonly #sink: Sink;
  /** The line that says how many were lost. */
  readonly #noticeOf: (lostLines: number) => string;
  #lostLines = 0;
  /** The last line is there in part, so the next needs an end before it. */
  #isTorn = false;

  constructor(noticeOf: (lostLines: number) => string, sink: Sink = standardOutput()) {
    this.#sink = sink;
    this.#noticeOf = noticeOf;
  }

  /** @param line with its end. Never throws. */
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

/**
 * Pipes are written by the event loop, which waits for nobody; a file takes a line at once or says why not.
 */
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
 * Lets the program go on when its output is closed before it ends (`| tee` that was killed, a terminal that
 * was closed), or its disk is full: what it says then is lost, and what it runs is not.
 */
export function outliveOutput(): void {
  // Whatever the error is (EPIPE, EIO, ENOSPC), there is nowhere left to say it.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
}
