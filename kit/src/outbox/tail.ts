/**
 * The tail of the outbox: reads what has become visible and tells its listeners.
 *
 * States: away → following (an epoch) → away. An epoch is one connection to the primary. It ends when the
 * connection does, or does not answer in time: after a crash, numbers of transactions may be used again, and
 * after a promotion changes may be undone. Within an epoch each change is told exactly once.
 *
 * It reads every 50 ms, and looks every 12 ms whether there is something to read sooner. NOTIFY would wake
 * it, but PostgreSQL commits transactions that notify one after the other, each with a flush of its own:
 * eight writers at a time were six times as slow.
 */
import type { Logger } from "../process/log.ts";
import { type StartTimer, startRealTimer } from "../process/timer.ts";
import { type StartWait, startWorker } from "../process/worker.ts";
import { laterPosition, type Position } from "../reads/position.ts";
import type { ChangeListener } from "./change.ts";
import {
  hasNews,
  markLog,
  type OutboxConnection,
  type OutboxReading,
  openOutboxConnection,
  pruneOutbox,
  readOutbox,
} from "./outbox-table.ts";
import { Retention } from "./retention.ts";

/** A read without changes takes 0.9 ms of CPU, of both sides. Changes of one read share a mark in the log. */
const READ_MS = 50;
const LOOK_MS = 12;
/** While an old transaction is open, a look goes through all rows since then. */
const LOOK_TAKES_MS_MAX = 4;
/** A read takes about a millisecond. A host that is gone answers nothing at all. */
const STEP_MS_MAX = 3_000;

export interface TailOptions {
  /** The URL of the database that takes writes at the moment. */
  primaryUrl: () => string | Promise<string>;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  listeners: readonly ChangeListener[];
  log: Logger;
  newId: () => string;
  /** Monotonic milliseconds. */
  nowMs?: () => number;
  startTimer?: StartTimer;
  startWait?: StartWait;
}

export interface Tail {
  close(): Promise<void>;
}

interface Epoch {
  url: string;
  connection: OutboxConnection;
  isOver: boolean;
  /** When it was read last, when changes were told last, and how long the last look took. */
  readAtMs: number;
  toldAtMs: number;
  lookTookMs: number;
  /** What the listeners have been told; undefined until they know of the epoch. */
  told: { snapshot: string; flushed: Position; isSettled: boolean } | undefined;
  retention: Retention;
  /** The snapshot whose rows are being deleted. */
  prunable: string | undefined;
}

export function startTail(options: TailOptions): Tail {
  const { log, startWait } = options;
  const reader = new OutboxReader(options);
  const step = () => reader.step();
  const worker = startWorker({ name: "outbox", intervalMs: LOOK_MS, step, log, startWait });
  return {
    async close() {
      await Promise.all([worker.stop(), reader.close()]);
      // A step may have opened another one.
      await reader.close();
    },
  };
}

class OutboxReader {
  readonly #options: TailOptions;
  readonly #nowMs: () => number;
  readonly #startTimer: StartTimer;
  #epoch: Epoch | undefined;
  /** Not before that is another connection tried. */
  #openAtMs = Number.NEGATIVE_INFINITY;
  /** Said once, however often a connection is tried. */
  #reason: string | undefined;
  #isClosed = false;

  constructor(options: TailOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#startTimer = options.startTimer ?? startRealTimer;
  }

  /** Returns whether there may be more to read. */
  async step(): Promise<boolean> {
    if (this.#isClosed || (!this.#epoch && this.#nowMs() < this.#openAtMs)) return false;
    try {
      const url = await this.#options.primaryUrl();
      // A primary of before may still run, and answer. What is written elsewhere it does not tell.
      if (this.#epoch && this.#epoch.url !== url) throw new Error("another server is the primary");
      const epoch = this.#epoch ?? this.#open(url);
      const step = async () => (await this.#isTime(epoch)) && (await this.#read(epoch));
      return await this.#inTime(step());
    } catch (error) {
      await this.#end((error as Error).message);
      return false;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#end("it is closed");
  }

  #open(url: string): Epoch {
    const connection = openOutboxConnection(url, this.#options.applicationName, () => {
      epoch.isOver = true;
    });
    const epoch: Epoch = {
      url,
      connection,
      isOver: false,
      readAtMs: Number.NEGATIVE_INFINITY,
      toldAtMs: Number.NEGATIVE_INFINITY,
      lookTookMs: 0,
      told: undefined,
      retention: new Retention(),
      prunable: undefined,
    };
    this.#epoch = epoch;
    return epoch;
  }

  /** Whether to read now. While changes come all the time, they are told together. */
  async #isTime(epoch: Epoch): Promise<boolean> {
    const { told, readAtMs, toldAtMs, lookTookMs } = epoch;
    const atMs = this.#nowMs();
    if (!told || atMs - readAtMs >= READ_MS) return true;
    if (atMs - toldAtMs < READ_MS || lookTookMs > LOOK_TAKES_MS_MAX) return false;
    const isNew = await hasNews(epoch.connection.sql, told.snapshot);
    epoch.lookTookMs = this.#nowMs() - atMs;
    return isNew;
  }

  async #read(epoch: Epoch): Promise<boolean> {
    const { sql } = epoch.connection;
    const { told } = epoch;
    const atMs = this.#nowMs();
    epoch.readAtMs = atMs;
    epoch.lookTookMs = 0;
    const reading = await readOutbox(sql, told?.snapshot ?? null);
    const mark = !told || reading.changes.length > 0 ? await markLog(sql) : undefined;
    // A statement may have gone over a new connection, on which another database may have answered.
    if (epoch.isOver) throw new Error("the connection has ended");
    const isMore = await this.#prune(epoch, reading, atMs);
    this.#tell(epoch, reading, mark, atMs);
    return isMore;
  }

  #tell(
    epoch: Epoch,
    { snapshot, flushedLsn, isSettled, changes }: OutboxReading,
    mark: Position | undefined,
    atMs: number,
  ): void {
    const { listeners, newId, log } = this.#options;
    const { told } = epoch;
    if (!told) {
      const id = newId();
      log.info({ epoch: id, position: mark }, "following the outbox");
      this.#reason = undefined;
      for (const listener of listeners) listener.began(id, { changes, position: mark! });
      epoch.told = { snapshot, flushed: mark!, isSettled: false };
      return;
    }
    if (mark) epoch.toldAtMs = atMs;
    if (mark) for (const listener of listeners) listener.changed({ changes, position: mark });
    // A transaction may have been flushed by then, and not be visible in this snapshot. Whoever is told of it
    // later is told the same position, or a later one.
    const { timeline, lsn } = told.flushed;
    const confirmed = { timeline, lsn: told.isSettled ? lsn : lsn - 1 };
    for (const listener of listeners) listener.confirmed(confirmed, atMs);
    const flushed = { timeline, lsn: flushedLsn };
    epoch.told = mark
      ? { snapshot, flushed: laterPosition(mark, flushed), isSettled: false }
      : { snapshot, flushed, isSettled };
  }

  async #prune(epoch: Epoch, { snapshot }: OutboxReading, atMs: number): Promise<boolean> {
    epoch.prunable = epoch.retention.see(snapshot, atMs) ?? epoch.prunable;
    if (epoch.prunable === undefined) return false;
    const isMore = await pruneOutbox(epoch.connection.sql, epoch.prunable);
    if (!isMore) epoch.prunable = undefined;
    return isMore;
  }

  async #end(reason: string): Promise<void> {
    const epoch = this.#epoch;
    this.#epoch = undefined;
    this.#openAtMs = this.#nowMs() + READ_MS;
    if (epoch?.told) for (const listener of this.#options.listeners) listener.ended();
    if (reason !== this.#reason && !this.#isClosed)
      this.#options.log.warn({ reason }, "the outbox is not read; caches do without its changes");
    this.#reason = reason;
    await epoch?.connection.close();
  }

  async #inTime<Result>(work: Promise<Result>): Promise<Result> {
    const { promise, reject } = Promise.withResolvers<never>();
    const cancel = this.#startTimer(STEP_MS_MAX, () =>
      reject(new Error(`no answer within ${STEP_MS_MAX} ms`)),
    );
    try {
      return await Promise.race([work, promise]);
    } finally {
      cancel();
    }
  }
}
