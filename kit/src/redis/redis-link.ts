/**
 * The way to Redis: one connection, and whether it is used.
 *
 *   away     nothing is sent. A probe after a wait: a new connection that answers quickly → open.
 *            It fails → away, for longer.
 *   open     commands are sent. The connection is lost, LATE_MAX commands in a row are answered late, a check
 *            is not answered, or the sentinels name another primary → away.
 *   closed   for good.
 *
 * Redis only saves time here, so a command is never waited for longer than `answerMs`, and while Redis is
 * away it costs nothing. No connection is mended: a lost one, a slow one and one to the old primary are all
 * replaced by the next probe.
 */
import type { Logger } from "../process/log.ts";
import { backoffMs, type Clock, systemClock } from "../process/retry.ts";
import { type StartTimer, startRealTimer } from "../process/timer.ts";
import { answerOf, type RedisAnswer, withinTurn } from "./redis-answer.ts";
import { type RedisConnection, reasonOf } from "./redis-connection.ts";
import type { RedisMetrics } from "./redis-metrics.ts";
import { connectToPrimary, findPrimary } from "./redis-primary.ts";
import { type RedisTarget, showAddress, showTarget } from "./redis-url.ts";

/** How long an answer is waited for. A Redis nearby gives it in less than 1 ms. */
const ANSWER_MS = 5;
/** A pause of the server (a fork, a slow command) makes one or two late. */
const LATE_MAX = 3;
/** On a busy machine every Redis is left again and again: longer waits left it away for most of the time. */
const PROBE_WAIT = { firstMs: 100, maxMs: 1_000 };
const PROBE_DEADLINE_MS = 1_000;
const PROBE_PINGS = 5;
const CHECK_MS = 1_000;
/** After so long without a fault the next wait is the first again. */
const STEADY_MS = 10_000;

/** Refusals of a server that has become a replica, starts, or knows us no more. */
const NOT_THE_PRIMARY = /^(READONLY|LOADING|MASTERDOWN|NOAUTH)/;

type State =
  | { kind: "open"; connection: RedisConnection; sinceMs: number; late: number; countedMs: number }
  | { kind: "away"; reason: string }
  | { kind: "closed" };

export interface RedisLinkOptions {
  target: RedisTarget;
  /** What it is for, in a word: "cache". */
  purpose: string;
  metrics: RedisMetrics;
  log: Logger;
  answerMs?: number;
  clock?: Clock;
  startTimer?: StartTimer;
}

export class RedisLink {
  readonly #options: RedisLinkOptions;
  readonly #answerMs: number;
  readonly #clock: Clock;
  readonly #startTimer: StartTimer;
  #state: State = { kind: "away", reason: "it was not reached yet" };
  /** Probes since Redis was steady. */
  #attempt = 0;
  #cancelTimer: () => void = () => {};

  constructor(options: RedisLinkOptions) {
    this.#options = options;
    this.#answerMs = options.answerMs ?? ANSWER_MS;
    this.#clock = options.clock ?? systemClock;
    this.#startTimer = options.startTimer ?? startRealTimer;
    options.metrics.watch(options.purpose, () => this.isOpen);
  }

  /** Makes the first probe. Resolves when it is answered or has failed; never rejects. */
  start(): Promise<void> {
    return this.#probe();
  }

  get isOpen(): boolean {
    return this.#state.kind === "open";
  }

  /** The id of the server's process, while it is used. A restart or a fail-over changes it. */
  get runId(): string | undefined {
    return this.#state.kind === "open" ? this.#state.connection.server.runId : undefined;
  }

  /** For the program's health: empty if all is well. */
  notes(): string[] {
    if (this.#state.kind !== "away") return [];
    return [`Redis is not used for the ${this.#options.purpose}: ${this.#state.reason}`];
  }

  /** Sends a command. Never rejects, and takes no longer than `answerMs`. */
  async ask<Reply>(command: readonly string[]): Promise<RedisAnswer<Reply>> {
    const state = this.#state;
    const { metrics } = this.#options;
    if (state.kind !== "open") {
      metrics.answered("away");
      return { kind: "away" };
    }
    const begunMs = performance.now();
    const answering = answerOf<Reply>(state.connection, command);
    const answer = await withinTurn(this.#answerMs, answering);
    if (answer === undefined) this.#late(state, begunMs);
    else if (answer.kind !== "unknown") state.late = 0;
    if (answer?.kind === "refused" && NOT_THE_PRIMARY.test(answer.message))
      this.#leave(state, answer.message);
    metrics.answered(answer?.kind ?? "late", performance.now() - begunMs);
    return answer ?? { kind: "unknown", later: answering };
  }

  close(): void {
    const state = this.#state;
    this.#state = { kind: "closed" };
    this.#cancelTimer();
    if (state.kind === "open") state.connection.close();
  }

  /** Commands that were late together are late once. */
  #late(state: State & { kind: "open" }, begunMs: number): void {
    if (begunMs < state.countedMs) return;
    state.countedMs = performance.now();
    state.late += 1;
    if (state.late >= LATE_MAX)
      this.#leave(state, `${LATE_MAX} answers in a row took over ${this.#answerMs} ms`);
  }

  #leave(state: State & { kind: "open" }, reason: string): void {
    if (this.#state !== state) return;
    const { log, purpose } = this.#options;
    if (this.#clock.nowMs() - state.sinceMs >= STEADY_MS) this.#attempt = 0;
    log.warn(
      { redis: showAddress(state.connection.server.address), reason },
      `Redis is away for the ${purpose}`,
    );
    this.#goAway(reason);
    state.connection.close();
  }

  #goAway(reason: string): void {
    this.#state = { kind: "away", reason };
    this.#schedule(backoffMs(this.#attempt++, PROBE_WAIT, this.#clock), () => this.#probe());
  }

  /** There is one timer: for the next probe, or for the next check. */
  #schedule(waitMs: number, run: () => Promise<void>): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#startTimer(waitMs, () => void run());
  }

  async #probe(): Promise<void> {
    const { target, purpose, log } = this.#options;
    try {
      const connection = await connectToPrimary(target, PROBE_DEADLINE_MS);
      const isQuick = await answersQuickly(connection, this.#answerMs);
      if (isQuick && this.#state.kind === "away") return this.#open(connection);
      connection.close();
      throw new Error(`it takes over ${this.#answerMs} ms to answer`);
    } catch (error) {
      if (this.#state.kind !== "away") return;
      const reason = reasonOf(error);
      // One line for each reason, not for each probe.
      if (reason !== this.#state.reason) {
        log.warn({ redis: showTarget(target), reason }, `Redis cannot be used for the ${purpose}`);
      }
      this.#goAway(reason);
    }
  }

  #open(connection: RedisConnection): void {
    const { log, purpose } = this.#options;
    const state: State = { kind: "open", connection, sinceMs: this.#clock.nowMs(), late: 0, countedMs: 0 };
    this.#state = state;
    log.info({ redis: showAddress(connection.server.address) }, `Redis is used for the ${purpose}`);
    void connection.ended.then((reason) => this.#leave(state, reason));
    this.#schedule(CHECK_MS, () => this.#check(state));
  }

  /** Finds out that Redis hangs while nobody asks it, and that sentinels have made another the primary. */
  async #check(state: State & { kind: "open" }): Promise<void> {
    const { connection } = state;
    const answer = await withinTurn(PROBE_DEADLINE_MS, answerOf(connection, ["PING"]));
    if (answer?.kind !== "reply") return this.#leave(state, "a check was not answered");
    if (this.#options.target.sentinel !== undefined) {
      // Without sentinels the server is as good as before.
      const primary = await findPrimary(this.#options.target).catch(() => connection.server.address);
      const isSame = showAddress(primary) === showAddress(connection.server.address);
      if (!isSame) return this.#leave(state, `the primary is ${showAddress(primary)} now`);
    }
    if (this.#state === state) this.#schedule(CHECK_MS, () => this.#check(state));
  }
}

/** The first answers of a connection, and of a program, take longer: the last ping decides. */
async function answersQuickly(connection: RedisConnection, answerMs: number): Promise<boolean> {
  for (let ping = 0; ping < PROBE_PINGS; ping++) {
    const answer = await withinTurn(PROBE_DEADLINE_MS, answerOf(connection, ["PING"]));
    if (answer?.kind !== "reply") return false;
  }
  return (await withinTurn(answerMs, answerOf(connection, ["PING"]))) !== undefined;
}
