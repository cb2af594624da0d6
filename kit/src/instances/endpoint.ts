/**
 * One instance of a service with its circuit breaker (breaker.ts). Probes the instance in the background
 * while the circuit is not closed.
 */
import {
  type Reader,
  type Send,
  type SendOptions,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from "../http/transport.ts";
import type { Logger } from "../process/log.ts";
import type { Clock } from "../process/retry.ts";
import type { StartTimer } from "../process/timer.ts";
import {
  advance,
  type Circuit,
  type CircuitEvent,
  isAlive,
  isTheirs,
  newCircuit,
  probeDeadlineMs,
} from "./breaker.ts";

export interface EndpointMeans {
  send: Send;
  /** Monotonic milliseconds. */
  clock: Clock;
  startTimer: StartTimer;
  /** Runs something outside of all requests. */
  outside: <Result>(run: () => Result) => Result;
  log?: Logger | undefined;
  onCircuit?: ((change: CircuitChange) => void) | undefined;
}

/** A breaker that has opened, begun to probe, or closed. */
export interface CircuitChange {
  url: string;
  state: Circuit["kind"];
}

/** Every GraphQL service can answer it, at no cost. */
const PROBE: SubgraphRequest = { query: "{ __typename }" };

/**
 * 64 of these have a connection (transport.ts). A request behind more than this would wait until
 * its deadline.
 */
const UNDER_WAY_MAX = 2_000;
const TOO_MANY = new TransportError("refused", `${UNDER_WAY_MAX} requests are under way already`, {
  fault: "not-theirs",
});

export class Endpoint {
  readonly url: string;
  readonly #means: EndpointMeans;
  #circuit: Circuit;
  #underWay = 0;
  readonly #retired = new AbortController();
  #cancelProbe = () => {};
  #probing: Promise<void> | undefined;

  constructor(url: string, means: EndpointMeans) {
    this.url = url;
    this.#means = means;
    this.#circuit = newCircuit(means.clock.nowMs());
  }

  get state(): Circuit["kind"] {
    return this.#circuit.kind;
  }

  /**
   * Sends whatever the circuit's state; callers look at `state` first.
   * @param hasOthers whether another instance is left to ask
   * @throws TransportError
   */
  async send(request: SubgraphRequest, options: SendOptions, hasOthers: boolean): Promise<SubgraphResponse> {
    const { send, clock } = this.#means;
    if (this.#underWay >= UNDER_WAY_MAX) throw TOO_MANY;
    const begunAtMs = clock.nowMs();
    const { query: operation } = request;
    const reader = options.reader && new TimedReader(options.reader, clock);
    this.#underWay++;
    try {
      const answer = await send(this.url, request, { ...options, reader });
      const atMs = clock.nowMs();
      const heldUpMs = reader?.heldUpMs ?? 0;
      this.#advance({ kind: "answered", operation, begunAtMs: begunAtMs + heldUpMs, atMs });
      return answer;
    } catch (error) {
      if (error instanceof TransportError && isTheirs(error.fault)) {
        const { fault } = error;
        this.#advance({ kind: "failed", fault, operation, begunAtMs, atMs: clock.nowMs(), hasOthers });
      }
      throw error;
    } finally {
      this.#underWay--;
    }
  }

  /** For good: running requests finish as they do, a running probe is cancelled, and no other starts. */
  async retire(): Promise<void> {
    this.#retired.abort();
    this.#cancelProbe();
    await this.#probing;
  }

  #advance(event: CircuitEvent): void {
    const before = this.#circuit.kind;
    this.#circuit = advance(this.#circuit, event, this.#means.clock);
    const state = this.#circuit.kind;
    if (state === before) return;
    const { log, onCircuit } = this.#means;
    onCircuit?.({ url: this.url, state });
    if (before === "closed") log?.warn({ url: this.url }, "an endpoint does not answer");
    if (state === "closed") log?.info({ url: this.url }, "an endpoint answers again");
    this.#cancelProbe();
    if (this.#circuit.kind === "open") this.#probeAt(this.#circuit.probeAtMs);
  }

  #probeAt(atMs: number): void {
    if (this.#retired.signal.aborted) return;
    const { clock, startTimer } = this.#means;
    this.#cancelProbe = startTimer(Math.max(1, atMs - clock.nowMs()), () => {
      this.#probing = this.#means.outside(() => this.#probe());
    });
  }

  async #probe(): Promise<void> {
    const { send, clock } = this.#means;
    const options = { deadlineMs: probeDeadlineMs(this.#circuit), signal: this.#retired.signal };
    this.#advance({ kind: "probe-begun" });
    try {
      await send(this.url, PROBE, options);
      this.#advance({ kind: "probe-answered", atMs: clock.nowMs() });
    } catch (error) {
      if (this.#retired.signal.aborted) return;
      const kind =
        error instanceof TransportError && isAlive(error.fault) ? "probe-answered" : "probe-failed";
      this.#advance({ kind, atMs: clock.nowMs() });
    }
  }
}

/** Adds up for how long we hold up an answer: that time tells nothing about the service. */
class TimedReader implements Reader {
  heldUpMs = 0;
  readonly #reader: Reader;
  readonly #clock: Clock;

  constructor(reader: Reader, clock: Clock) {
    this.#reader = reader;
    this.#clock = clock;
  }

  read(bytes: number): Promise<void> | undefined {
    const room = this.#reader.read(bytes);
    if (!room) return undefined;
    const sinceMs = this.#clock.nowMs();
    return room.finally(() => {
      this.heldUpMs += this.#clock.nowMs() - sinceMs;
    });
  }

  giveUp(): void {
    this.#reader.giveUp?.();
  }
}
