/**
 * Answers equal queries to one placement that are under way at the same time by one request (a flight).
 *
 * Two queries are equal if everything that may change the answer is equal: the placement with its instances
 * (each has its own SharedRequests), the body (text, name, variables), and the headers except those that only
 * name or trace the request, and except what the answer must include at least (x-read-after).
 *
 * **Read your writes.** A client that has the answer to its mutation must not get the answer of a query that
 * began, and perhaps was executed, before the mutation. So every mutation that ends, answered or not,
 * increments a number, and a query joins only a flight that began under the present number. All placements
 * share the number, because a mutation of one subgraph changes what another one answers: an order that the
 * orders service takes becomes rows of the cities. Each gateway has its own number. What a client has seen or
 * written through another gateway its session tells, if the place takes part in sessions: a query joins only
 * a flight whose answer must include all that its own must. One that cannot join begins a flight; the one
 * that must include most is the one to join. So of a thousand equal queries with different sessions, in any
 * order, about seven (ln 1000) are sent. Without sessions a client that writes through one gateway and reads
 * through another may see data that is older by the duration of a flight.
 *
 * **Deadlines.** A flight has the deadline of the query that began it. Another query joins if that deadline
 * leaves at least half of the query's own time, and it never waits beyond its own deadline. All joined
 * queries get the answer at the same moment, and each makes a copy to change. They copy in turns
 * (answering.ts), which is a part of that wait.
 *
 * **Room.** One of the queries pays for the reading of a great answer, and holds it until all have made their
 * copies. If its client hangs up, or it has no room, another one pays (shared-reading.ts). Each of the others
 * takes room for its own copy.
 *
 * **Failures.** A flight that fails fails all queries that joined. It has already tried every instance, some
 * of them twice. A failing service must not get one more request from each of them.
 */

import { REQUEST_ID_HEADER } from "@teranga/kit/http/server.ts";
import { type Reader, TransportError } from "@teranga/kit/http/transport.ts";
import type { Asked, Failed } from "@teranga/kit/instances/ask-instances.ts";
import type { StartTimer } from "@teranga/kit/process/timer.ts";
import { currentSpan } from "@teranga/kit/process/tracing.ts";
import { READ_AFTER_HEADER } from "@teranga/kit/reads/read-headers.ts";
import type { Holding } from "../ground/answer-room.ts";
import { answering } from "../ground/answering.ts";
import { type Part, SharedReading } from "../ground/shared-reading.ts";
import { covers, type ReadAfter } from "../session/read-after.ts";

/** The flights of one placement that can be joined. Queries beyond these travel alone. */
const FLIGHTS_MAX = 1_000;

/** The first say who asks in which trace; no answer depends on them. For the last there is `covers`. */
const NOT_IN_KEY = new Set([REQUEST_ID_HEADER, "traceparent", "tracestate", READ_AFTER_HEADER]);

/** How many mutations have ended, over all placements. */
export interface Writes {
  ended: number;
}

interface Flight {
  /** `Writes.ended` when the flight began. */
  writes: number;
  after: ReadAfter | undefined;
  deadlineAtMs: number;
  joined: number;
  span: ReturnType<typeof currentSpan>;
  reading: SharedReading;
  asked: Promise<Asked>;
}

export interface SharedTerms {
  body: string;
  headers: Readonly<Record<string, string>>;
  /** What the answer must include. */
  after?: ReadAfter | undefined;
  deadlineAtMs: number;
  /** The client's answer that this is for. */
  asker: object;
  /** Bounds what is read for it. */
  holding?: Holding | undefined;
}

/** A query's outcome. */
export interface SharedAsked {
  asked: Asked;
  /** The query waited for another query's request. */
  isJoined: boolean;
  /** Other queries have, or may have, the same answer. */
  isShared: boolean;
}

export class SharedRequests {
  readonly #writes: Writes;
  readonly #nowMs: () => number;
  readonly #startTimer: StartTimer;
  readonly #flights = new Map<string, Flight>();

  constructor(writes: Writes, nowMs: () => number, startTimer: StartTimer) {
    this.#writes = writes;
    this.#nowMs = nowMs;
    this.#startTimer = startTimer;
  }

  /**
   * Joins a flight for an equal query, or begins one.
   * @param begin never rejects for what happens at the service
   */
  async run(terms: SharedTerms, begin: (reader: Reader) => Promise<Asked>): Promise<SharedAsked> {
    const key = terms.body + headersKey(terms.headers);
    const flight = this.#flights.get(key);
    if (flight && this.#isJoinable(flight, terms) && covers(flight.after, terms.after)) {
      flight.joined++;
      linkSpans(flight);
      return { asked: await this.#join(flight, terms), isJoined: true, isShared: true };
    }
    const own = this.#begin(key, terms, begin);
    const asked = await this.#take(own, own.reading.first, own.asked, terms);
    if (own.joined === 0) return { asked, isJoined: false, isShared: false };
    return { asked: await this.#inTurn(asked, terms), isJoined: false, isShared: true };
  }

  /** Whether a query may join that wants to see nothing that the flight's answer need not include. */
  #isJoinable(flight: Flight, { deadlineAtMs }: SharedTerms): boolean {
    if (flight.writes !== this.#writes.ended) return false;
    const nowMs = this.#nowMs();
    return flight.deadlineAtMs - nowMs >= (deadlineAtMs - nowMs) / 2;
  }

  #begin(key: string, terms: SharedTerms, begin: (reader: Reader) => Promise<Asked>): Flight {
    const { after, deadlineAtMs, holding } = terms;
    const reading = new SharedReading(holding);
    const other = this.#flights.get(key);
    // One whose answer need not include as much would let fewer join.
    const isBetter = !other || !this.#isJoinable(other, terms) || covers(after, other.after);
    const flight: Flight = {
      writes: this.#writes.ended,
      after,
      deadlineAtMs,
      joined: 0,
      span: currentSpan(),
      reading,
      asked: begin(reading).finally(() => {
        // A later flight may have replaced this one, because this one could not be joined any more.
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
      }),
    };
    if (isBetter && (this.#flights.size < FLIGHTS_MAX || other)) this.#flights.set(key, flight);
    return flight;
  }

  async #join(flight: Flight, terms: SharedTerms): Promise<Asked> {
    const { asked, deadlineAtMs, reading } = flight;
    // A flight with an earlier or equal deadline ends in time by itself.
    const isInTime = terms.deadlineAtMs >= deadlineAtMs;
    const part = reading.join(terms.holding);
    const answer = isInTime ? asked : this.#inTime(asked, terms, () => NOT_IN_TIME);
    return this.#inTurn(await this.#take(flight, part, answer, terms), terms);
  }

  /** Waits for an answer, and for the room for a copy of it. */
  async #take({ reading }: Flight, part: Part, asked: Promise<Asked>, terms: SharedTerms): Promise<Asked> {
    try {
      const answer = await asked;
      if (answer.kind === "failed")
        return part.why ? { ...failedBy(part.why), attempts: answer.attempts } : answer;
      const room = reading.copy(part, answer.answer.bytes ?? 0);
      return await (room ? this.#inTime(whenThereIs(room, answer), terms, giveUp) : answer);
    } finally {
      reading.leave(part);
    }
  }

  /** Waits until it is the turn of this asker to make its answer. */
  async #inTurn(asked: Asked, terms: SharedTerms): Promise<Asked> {
    if (asked.kind === "failed") return asked;
    const { asker, holding } = terms;
    const turn = answering.turn(asker, holding?.isGreat, asked.answer.bytes);
    return turn
      ? this.#inTime(
          turn.then(() => asked),
          terms,
          giveUp,
        )
      : asked;
  }

  #inTime(
    asked: Promise<Asked>,
    terms: SharedTerms,
    late: (terms: SharedTerms) => TransportError,
  ): Promise<Asked> {
    return new Promise((resolve, reject) => {
      const end = () => resolve(failedBy(late(terms)));
      const cancel = this.#startTimer(Math.max(1, terms.deadlineAtMs - this.#nowMs()), end);
      asked.finally(cancel).then(resolve, reject);
    });
  }
}

function whenThereIs(room: Promise<void>, asked: Asked): Promise<Asked> {
  return room.then(
    () => asked,
    (error: TransportError) => failedBy(error),
  );
}

function failedBy(error: TransportError): Failed {
  return { kind: "failed", error, failures: [error], attempts: 0 };
}

const NOT_IN_TIME = new TransportError("unknown", "the request that it shared did not answer in time", {
  fault: "timeout",
});

const HELD_UP = new TransportError("unknown", "answered, and there was no time left to take the answer", {
  fault: "no-room",
});

/** The answer is there. Its request waited too long for room or for its turn. */
function giveUp({ holding }: SharedTerms): TransportError {
  holding?.giveUp();
  return HELD_UP;
}

/** Only a header's name can follow a line break and end with a colon: JSON text has no line breaks. */
function headersKey(headers: Readonly<Record<string, string>>): string {
  let key = "";
  for (const name in headers) {
    if (!NOT_IN_KEY.has(name)) key += `\n${name}:${headers[name]}`;
  }
  return key;
}

/**
 * Links the joining query's trace to that of the query that began the flight. The request is a span of the
 * latter.
 */
function linkSpans({ span }: Flight): void {
  const joining = currentSpan();
  if (!span || !joining) return;
  joining.addLink({ context: span.spanContext() });
}
