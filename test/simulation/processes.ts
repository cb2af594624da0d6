/**
 * Processes that die. A process is a place (`host`) and, while it runs, a life. What a life awaits comes to
 * it through `resume`, and comes no more once it is over: the code behind that await never runs on, as if the
 * machine had lost power there.
 */
import type { Clock } from "@teranga/kit/process/retry.ts";
import type { Random } from "../harness/random.ts";
import type { World } from "./world.ts";

/** A GraphQL request as it comes over the wire, and the answer as it goes back. */
export type Serve = (request: string) => Promise<string>;

/** One run of a process, from its start to its death. */
export class Life {
  isOver = false;
  readonly clock: Clock;
  readonly random: Random;
  readonly process: Process;
  /** What is told when this life ends: those who wait for an answer of it. */
  readonly atEnd = new Set<() => void>();

  constructor(process: Process, clock: Clock, random: Random) {
    this.process = process;
    this.clock = clock;
    this.random = random;
  }

  /** Runs on, from an event of the world. Unless it is over, or ends right here. */
  resume(run: () => void): void {
    if (this.isOver) return;
    if (this.process.isStruck()) this.process.kill();
    else run();
  }

  delay(ms: number): Promise<void> {
    const { world } = this.process;
    return new Promise((resolve) => world.schedule(ms, () => this.resume(resolve)));
  }

  /** A wait that can be ended early, as the workers of a service need it. */
  wait(ms: number): { over: Promise<void>; end(): void } {
    let end = () => {};
    const over = new Promise<void>((resolve) => {
      const timer = this.process.world.schedule(ms, () => this.resume(resolve));
      end = () => {
        timer.cancel();
        resolve();
      };
    });
    return { over, end: () => end() };
  }
}

/** How far a process' clock is from true time, and how much faster it runs. */
export interface ClockFault {
  offsetMs: number;
  drift: number;
}

/** The time by a clock. */
export function wrongTime(world: World, { offsetMs, drift }: ClockFault): () => number {
  return () => Math.floor(world.nowMs + offsetMs + drift * world.elapsedMs);
}

export interface ProcessOptions {
  world: World;
  host: string;
  isClient?: boolean;
  random: Random;
  clock: ClockFault;
  /** Starts the program in a new life. */
  boot: (life: Life) => Serve;
  /** Whether the process dies now, where it would go on. Asked at every await. */
  strike: (host: string) => boolean;
  /** Told of each death. */
  onDeath?: () => void;
  /** How long after its death it is started again; null if never. */
  restartAfterMs: () => number | null;
}

export class Process {
  readonly world: World;
  readonly host: string;
  readonly isClient: boolean;
  kills = 0;
  life: Life | null = null;
  serve: Serve = () => Promise.reject(new Error("not started"));
  readonly #options: ProcessOptions;

  constructor(options: ProcessOptions) {
    this.#options = options;
    this.world = options.world;
    this.host = options.host;
    this.isClient = options.isClient ?? false;
  }

  start(): void {
    if (this.life) return;
    const { world, random, clock, boot } = this.#options;
    const chance = random.fork(`life ${this.kills}`);
    this.life = new Life(this, { nowMs: wrongTime(world, clock), random: () => chance.next() }, chance);
    world.note(this.host, "starts");
    this.serve = boot(this.life);
  }

  isStruck(): boolean {
    return this.#options.strike(this.host);
  }

  /** @param restartAfterMs as the process was made by default */
  kill(restartAfterMs = this.#options.restartAfterMs()): void {
    if (!this.life) return;
    this.world.note(this.host, "is killed");
    this.kills++;
    const { atEnd } = this.life;
    this.life.isOver = true;
    this.life = null;
    for (const tell of atEnd) tell();
    this.#options.onDeath?.();
    if (restartAfterMs !== null) this.world.schedule(restartAfterMs, () => this.start());
  }
}
