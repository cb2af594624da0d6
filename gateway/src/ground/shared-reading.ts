/**
 * The reading of a service's answer for several clients' requests at once. One of them pays: the room counts
 * the bytes as that request's (answer-room.ts). When it ends, or has no room, the next one pays, also for
 * what has been read so far. So no request takes the answer from the others.
 *
 * A request that waits for room in vain has waited for all: those after it go on at once, or are refused.
 */
import type { Reader, TransportError } from "@teranga/kit/http/transport.ts";
import type { Holding } from "./answer-room.ts";

/** One request's part in a reading. */
export interface Part {
  readonly holding: Holding | undefined;
  /** Why it could not pay. */
  why: TransportError | undefined;
}

/** Expects one call of `read` at a time, as transport.ts makes them. */
export class SharedReading implements Reader {
  /** The part of the request that began it. */
  readonly first: Part;
  #payer: Part;
  /** The requests that have yet to copy what is read. */
  readonly #parts = new Set<Part>();
  /** Those that have not paid so far. */
  readonly #next = new Set<Part>();
  /** The bytes that the payer has room for. */
  #bytes = 0;

  /** @param holding no bound if it is undefined */
  constructor(holding: Holding | undefined) {
    this.first = { holding, why: undefined };
    this.#payer = this.first;
    this.#parts.add(this.first);
    holding?.keep();
  }

  /** `leave` must be called with the part that it returns. */
  join(holding: Holding | undefined): Part {
    const part: Part = { holding, why: undefined };
    this.#parts.add(part);
    if (holding) this.#next.add(part);
    return part;
  }

  /** @throws TransportError by the promise, if no request that still waits can pay */
  read(bytes: number, mayWait = true): Promise<void> | undefined {
    const { holding } = this.#payer;
    const wasRefused = holding?.isRefused;
    const room = holding?.read(bytes, mayWait);
    if (!room) {
      this.#bytes += bytes;
      return undefined;
    }
    return room.then(
      () => {
        this.#bytes += bytes;
      },
      (why: TransportError) => {
        const hasWaited = holding!.isRefused && !wasRefused;
        return this.#passOn(bytes, why, mayWait && !hasWaited);
      },
    );
  }

  /** The answer came to nothing for want of room, for all that still wait for it. */
  giveUp(): void {
    for (const { holding } of this.#parts) holding?.giveUp();
  }

  /** Takes room for a part's own copy, as `read` does. The payer has it already. */
  copy(part: Part, bytes: number): Promise<void> | undefined {
    return part === this.#payer ? undefined : part.holding?.read(bytes);
  }

  /** The part's request has made its copy, or does not wait any more. */
  leave(part: Part): void {
    this.#next.delete(part);
    if (this.#parts.delete(part) && this.#parts.size === 0) this.#payer.holding?.letGo();
  }

  #passOn(bytes: number, why: TransportError, mayWait: boolean): Promise<void> | undefined {
    const payer = this.#payer;
    payer.why = why;
    for (const next of this.#next) {
      this.#next.delete(next);
      const holding = next.holding!;
      if (holding.isOver || holding.isRefused) continue;
      payer.holding!.handOver(holding, { read: this.#bytes, refused: bytes });
      holding.keep();
      payer.holding!.letGo();
      this.#payer = next;
      return this.read(bytes, mayWait);
    }
    throw why;
  }
}
