/**
 * Equal queries to one placement that are under way at the same time, answered by one request.
 *
 * Two queries are equal if all that may change the answer is: where they go (there is one of these objects
 * for each placement and its instances), the body (text, name, variables) and the headers, but for those that
 * only name or trace the request.
 *
 * **Read your writes.** A client that has had the answer to its mutation must not get the answer of a query
 * that was begun before, and may have been executed before, too. So every mutation that ends, whether
 * answered or not, moves a number on that all placements have in common, and a query joins only one that was
 * begun under the present number. In common, because a mutation of one subgraph changes what another one
 * answers: an order that the orders service takes is rows of the cities. The number is of this gateway: a
 * client that writes through one gateway and reads through another may see what was so a flight's time ago.
 *
 * **Deadlines.** A flight has the deadline of who began it. Another query joins if that leaves at least half
 * of its own time, and it waits no longer than its own. All of them hear of the answer at the same moment, and
 * each makes a copy to change: they do so in turns (answering.ts), which is a part of that wait.
 *
 * **Room.** A great answer is held by who began the flight until all who joined have made their copies. Each
 * of them takes room for its own copy before (answer-room.ts).
 *
 * **Failures.** A flight that fails fails all who have joined. It has already tried every instance, and some
 * twice; as many requests as have joined, once more each, are what a service that fails needs least.
 */
import { REQUEST_ID_HEADER } from "@teranga/kit/http/server.ts";
import { TransportError } from "@teranga/kit/http/transport.ts";
import { currentSpan } from "@teranga/kit/process/tracing.ts";
import type { Holding } from "../ground/answer-room.ts";
import { answering } from "../ground/answering.ts";
import type { StartTimer } from "./endpoint.ts";
import type { Asked } from "./instances.ts";

/** Flights of one placement that can be joined. Beyond it queries travel alone. */
const FLIGHTS_MAX = 1_000;

/** They say who asks in which trace, and no answer depends on them. */
const NOT_IN_KEY = new Set([REQUEST_ID_HEADER, "traceparent", "tracestate"]);

/** How many mutations have ended. One for all placements. */
export interface Writes {
  ended: number;
}

interface Flight {
  /** `Writes.ended` when it was begun. */
  writes: number;
  deadlineAtMs: number;
  joined: number;
  span: ReturnType<typeof currentSpan>;
  holding: Holding | undefined;
  asked: Promise<Asked>;
}

export interface SharedTerms {
  body: string;
  headers: Readonly<Record<string, string>>;
  deadlineAtMs: number;
  /** Whose answer it is for. */
  asker: object;
  /** What is read for it. */
  holding?: Holding | undefined;
}

/** What a query was answered with, or why it was not. */
export interface SharedAsked {
  asked: Asked;
  /** It was another's request that was waited for. */
  isJoined: boolean;
  /** Others have, or may have, the same answer. */
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

  /** Joins a flight of the same, or begins one. @param begin never rejects for what happens at the service */
  async run(terms: SharedTerms, begin: () => Promise<Asked>): Promise<SharedAsked> {
    const key = terms.body + headersKey(terms.headers);
    const flight = this.#flights.get(key);
    if (flight && this.#canJoin(flight, terms.deadlineAtMs)) {
      flight.joined++;
      linkSpans(flight);
      return { asked: await this.#join(flight, terms), isJoined: true, isShared: true };
    }
    const own = this.#begin(key, terms, begin);
    const asked = await own.asked;
    if (own.joined === 0) return { asked, isJoined: false, isShared: false };
    return { asked: await this.#inTurn(asked, terms), isJoined: false, isShared: true };
  }

  #canJoin(flight: Flight, deadlineAtMs: number): boolean {
    if (flight.writes !== this.#writes.ended) return false;
    const nowMs = this.#nowMs();
    return flight.deadlineAtMs - nowMs >= (deadlineAtMs - nowMs) / 2;
  }

  #begin(key: string, { deadlineAtMs, holding }: SharedTerms, begin: () => Promise<Asked>): Flight {
    const flight: Flight = {
      writes: this.#writes.ended,
      deadlineAtMs,
      joined: 0,
      span: currentSpan(),
      holding,
      asked: begin().finally(() => {
        // A later one may have taken the place of one that could not be joined any more.
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
      }),
    };
    if (this.#flights.size < FLIGHTS_MAX || this.#flights.has(key)) this.#flights.set(key, flight);
    return flight;
  }

  async #join({ asked, deadlineAtMs, holding }: Flight, terms: SharedTerms): Promise<Asked> {
    // A flight whose deadline is not later than the joiner's ends in time by itself.
    const isInTime = terms.deadlineAtMs >= deadlineAtMs;
    holding?.keep();
    const answer = await (isInTime ? asked : this.#inTime(asked, terms));
    const room = answer.kind === "answered" && terms.holding?.read(answer.answer.bytes ?? 0);
    const copied = await (room ? this.#inTime(whenThereIs(room, answer), terms) : answer);
    holding?.letGo();
    return this.#inTurn(copied, terms);
  }

  /** The answer, when it is this asker's turn to make its own of it. */
  async #inTurn(asked: Asked, terms: SharedTerms): Promise<Asked> {
    const turn = asked.kind === "failed" ? undefined : answering.turn(terms.asker, asked.answer.bytes);
    return turn
      ? this.#inTime(
          turn.then(() => asked),
          terms,
        )
      : asked;
  }

  #inTime(asked: Promise<Asked>, { deadlineAtMs }: SharedTerms): Promise<Asked> {
    return new Promise((resolve, reject) => {
      const giveUp = () => resolve({ kind: "failed", error: NOT_IN_TIME, attempts: 0 });
      const cancel = this.#startTimer(Math.max(1, deadlineAtMs - this.#nowMs()), giveUp);
      asked.finally(cancel).then(resolve, reject);
    });
  }
}

function whenThereIs(room: Promise<void>, asked: Asked): Promise<Asked> {
  return room.then(
    () => asked,
    (error: TransportError) => ({ kind: "failed", error, attempts: 0 }),
  );
}

const NOT_IN_TIME = new TransportError("unknown", "the request that it shared did not answer in time", {
  fault: "timeout",
});

/** Nothing but a header's name ends with a colon after a line break, and no JSON text has a line break. */
function headersKey(headers: Readonly<Record<string, string>>): string {
  let key = "";
  for (const name in headers) {
    if (!NOT_IN_KEY.has(name)) key += `\n${name}:${headers[name]}`;
  }
  return key;
}

/** The traces of both lead to one another; the request itself is a span of who began it. */
function linkSpans({ span }: Flight): void {
  const joining = currentSpan();
  if (!span || !joining) return;
  joining.addLink({ context: span.spanContext() });
}
