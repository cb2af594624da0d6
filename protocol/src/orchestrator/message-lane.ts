/**
 * A lane: messages of one kind to one city. Messages that wait at the same time are sent together.
 *
 * A message that finds the lane free leaves in the same turn of the event loop, without a timer. While a
 * request is under way, new messages gather, and leave together when it ends. So a lone order waits for no
 * other, and under load many orders share the cost of a request and of a durable write. One request at a time
 * makes the largest batches: measured with 16 and 64 orders at a time, two requests at a time double the
 * requests, take a quarter more CPU time an order, and place no more orders.
 *
 * A request that hangs must not hold up the others. After HANGING_MS it no longer blocks the lane, up to
 * REQUESTS_MAX requests in all.
 *
 * Each message keeps its own deadline. If the deadline passes while the message waits, it has certainly never
 * been sent. If it passes after that, the effect is unknown. A lane has one timer, which runs only while a
 * message waits or has less time left than its request.
 */

import { TransportError } from "@teranga/kit/http/transport.ts";
import type { Clock } from "@teranga/kit/process/retry.ts";
import { ATTRIBUTE, currentSpan, inBatchSpan } from "@teranga/kit/process/tracing.ts";
import { collectFor, currentCollected } from "@teranga/kit/reads/collected-positions.ts";

/**
 * Messages of one request. Beyond this the cost of a request no longer matters, and the batch's rows stay
 * locked for longer.
 */
export const BATCH_MAX = 100;
/** The summed weight of the messages of one request. */
export const WEIGHT_MAX = 1_000;
/**
 * Messages that wait. Beyond this the city cannot keep up, and a further message would only be refused later.
 */
export const WAITING_MAX = 1_000;
/**
 * A batch takes a city a few milliseconds, or a few tens under load. A city that is slow for want of CPU must
 * not get more requests.
 */
export const HANGING_MS = 300;
/** Requests under way, including those that hang. */
export const REQUESTS_MAX = 4;

/** The dependencies of a lane. */
export interface LaneMeans<Message, Answer> {
  /**
   * Sends messages as one request. Returns an answer or a failure for each message, in order.
   * @throws TransportError if there is no answer for any of them
   */
  send: (messages: readonly Message[], deadlineMs: number) => Promise<readonly (Answer | TransportError)[]>;
  /** The weight of a message; 1 by default. A message heavier than WEIGHT_MAX travels alone. */
  weigh?: (message: Message) => number;
  /**
   * Called with an error that is not the network's. The senders get it as `unknown`: the city
   * may have acted on the message.
   */
  onFault?: ((error: unknown) => void) | undefined;
  /** Called for each request that leaves, with the number of its messages. */
  onBatch: (messages: number) => void;
  clock: Clock;
  /** Resolves after `ms` milliseconds. */
  delay: (ms: number) => Promise<unknown>;
}

/** A message and the caller that waits for its answer. Only the first call of `settle` counts. */
interface Passenger<Message, Answer> {
  message: Message;
  weight: number;
  deadlineAtMs: number;
  /** The span that sent the message, for traces. */
  cause: ReturnType<typeof currentSpan>;
  /** The requests that want to know positions. */
  collected: ReturnType<typeof currentCollected>;
  settle: (answer: Answer | TransportError) => void;
}

interface LaneRequest<Message, Answer> {
  begunAtMs: number;
  deadlineAtMs: number;
  passengers: readonly Passenger<Message, Answer>[];
}

export class MessageLane<Message, Answer> {
  readonly #means: LaneMeans<Message, Answer>;
  #waiting: Passenger<Message, Answer>[] = [];
  readonly #underWay = new Set<LaneRequest<Message, Answer>>();
  #isLeaving = false;
  #wakesAtMs = Number.POSITIVE_INFINITY;

  constructor(means: LaneMeans<Message, Answer>) {
    this.#means = means;
  }

  /**
   * @throws TransportError: `refused` if the message has not been sent, `unknown`
   * if the city may have acted on it
   */
  ask(message: Message, deadlineMs: number): Promise<Answer> {
    if (this.#waiting.length >= WAITING_MAX) {
      return Promise.reject(new TransportError("refused", `${WAITING_MAX} messages wait already`));
    }
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const nowMs = this.#means.clock.nowMs();
    this.#waiting.push({
      message,
      weight: this.#means.weigh?.(message) ?? 1,
      deadlineAtMs: nowMs + deadlineMs,
      cause: currentSpan(),
      collected: currentCollected(),
      settle: (answer) => (answer instanceof TransportError ? reject(answer) : resolve(answer)),
    });
    if (this.#freeAtMs() <= nowMs) this.#leaveThisTurn();
    else this.#wakeAt(Math.min(nowMs + deadlineMs, this.#freeAtMs()), nowMs);
    return promise;
  }

  /**
   * Sends at the end of the event loop's turn. The answers of one batch lead to as many next messages in the
   * same turn, and these should leave together too. Measured with 64 orders at a time, that takes a quarter
   * of the requests and half of the CPU time.
   */
  #leaveThisTurn(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    process.nextTick(() => {
      this.#isLeaving = false;
      this.#advance();
    });
  }

  /** When all requests under way will count as hanging; never, if there are REQUESTS_MAX of them. */
  #freeAtMs(): number {
    if (this.#underWay.size >= REQUESTS_MAX) return Number.POSITIVE_INFINITY;
    return Math.max(...[...this.#underWay].map(({ begunAtMs }) => begunAtMs + HANGING_MS));
  }

  /** Releases the messages whose deadline has passed, and sends what may leave. */
  #advance(): void {
    const nowMs = this.#means.clock.nowMs();
    const isOverdue = ({ deadlineAtMs }: Passenger<Message, Answer>) => deadlineAtMs <= nowMs;
    const overdue = this.#waiting.filter(isOverdue);
    this.#waiting = this.#waiting.filter((passenger) => !isOverdue(passenger));
    for (const { settle } of overdue) settle(new TransportError("refused", "was not sent in time"));
    for (const { passengers } of this.#underWay) {
      for (const { settle } of passengers.filter(isOverdue))
        settle(new TransportError("unknown", "was not answered in time"));
    }
    if (this.#waiting.length > 0 && this.#freeAtMs() <= nowMs) this.#begin(nowMs);
    this.#wakeAt(this.#nextAtMs(nowMs), nowMs);
  }

  /** Sends the first waiting messages, as many as fit into a request. */
  #begin(nowMs: number): void {
    const passengers = this.#waiting.splice(0, this.#batchLength());
    const deadlineAtMs = Math.max(...passengers.map((passenger) => passenger.deadlineAtMs));
    const request = { begunAtMs: nowMs, deadlineAtMs, passengers };
    this.#underWay.add(request);
    void this.#run(request, deadlineAtMs - nowMs);
  }

  #batchLength(): number {
    let weight = 0;
    for (const [index, passenger] of this.#waiting.slice(0, BATCH_MAX).entries()) {
      weight += passenger.weight;
      if (weight > WEIGHT_MAX) return Math.max(1, index);
    }
    return BATCH_MAX;
  }

  async #run(request: LaneRequest<Message, Answer>, deadlineMs: number): Promise<void> {
    const { passengers } = request;
    try {
      const messages = passengers.map(({ message }) => message);
      const causes = passengers.map(({ cause }) => cause);
      const collected = passengers.flatMap((passenger) => passenger.collected);
      this.#means.onBatch(messages.length);
      const attributes = { [ATTRIBUTE.entries]: messages.length };
      const answers = await inBatchSpan("batch", attributes, causes, () =>
        collectFor(collected, () => this.#means.send(messages, deadlineMs)),
      );
      for (const [index, { settle }] of passengers.entries())
        settle(answers[index] ?? new TransportError("unknown", "was not answered"));
    } catch (error) {
      if (!(error instanceof TransportError)) this.#means.onFault?.(error);
      for (const { settle } of passengers) settle(asTransportError(error));
    }
    this.#underWay.delete(request);
    this.#advance();
  }

  /**
   * The next time at which the lane must act by itself: a message's deadline that passes before its request
   * ends, or the moment when the lane is free for waiting messages.
   */
  #nextAtMs(nowMs: number): number {
    const inHurry = [...this.#underWay].flatMap(({ deadlineAtMs, passengers }) =>
      passengers.filter(
        (passenger) => passenger.deadlineAtMs < deadlineAtMs && passenger.deadlineAtMs > nowMs,
      ),
    );
    const times = [...this.#waiting, ...inHurry].map(({ deadlineAtMs }) => deadlineAtMs);
    if (this.#waiting.length > 0) times.push(this.#freeAtMs());
    return Math.min(...times);
  }

  /** Makes the lane advance at this time or earlier. */
  #wakeAt(atMs: number, nowMs: number): void {
    if (atMs >= this.#wakesAtMs) return;
    this.#wakesAtMs = atMs;
    void this.#means.delay(Math.max(1, atMs - nowMs)).then(() => {
      // An earlier wake-up was set since. It has advanced the lane and set a new time.
      if (this.#wakesAtMs !== atMs) return;
      this.#wakesAtMs = Number.POSITIVE_INFINITY;
      this.#advance();
    });
  }
}

/** A failure that is not the network's is a fault of ours, but the senders must still get it. */
function asTransportError(error: unknown): TransportError {
  return error instanceof TransportError
    ? error
    : new TransportError("unknown", String(error), { cause: error });
}
