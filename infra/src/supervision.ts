/** The processes that a cluster supervises. They end in an order in which none is missed. */
import type { Logger } from "@teranga/kit/process/log.ts";
import type { Clock } from "@teranga/kit/process/retry.ts";
import type { ProcessTable } from "./process-table.ts";
import type { ProcessPlan } from "./processes.ts";
import type { ProcessKind } from "./state.ts";
import { type LaunchedProcess, Supervisor } from "./supervisor.ts";

const STOP_ORDER: readonly ProcessKind[] = [
  "gateway",
  "orders",
  "city",
  "catalog",
  "mobile-money",
  "postgres",
];

export interface SupervisionOptions {
  table: ProcessTable;
  log: Logger;
  clock: Clock;
  /** Once it is aborted, no further process may be started. */
  ended: AbortSignal;
}

export class Supervision {
  readonly #options: SupervisionOptions;
  readonly #supervised = new Map<Supervisor, ProcessKind>();

  constructor(options: SupervisionOptions) {
    this.#options = options;
  }

  /**
   * Puts a process under supervision and waits until it is ready for the first time.
   * @param insists whether a failed first start is repeated, for a process that the others can do without.
   * Then this resolves after the first try
   */
  async start(
    { name, kind }: ProcessPlan,
    launch: (signal: AbortSignal) => Promise<LaunchedProcess>,
    insists = false,
  ): Promise<Supervisor> {
    const { table, log, clock, ended } = this.#options;
    ended.throwIfAborted();
    const supervisor = new Supervisor({
      name,
      launch,
      onChange: table.onChange(name),
      log,
      clock,
      insists,
    });
    this.#supervised.set(supervisor, kind);
    try {
      await supervisor.start();
    } catch (error) {
      this.#supervised.delete(supervisor);
      throw error;
    }
    return supervisor;
  }

  /** Ends a process for good. */
  async end(supervisor: Supervisor): Promise<void> {
    await supervisor.stop();
    this.#supervised.delete(supervisor);
  }

  /** The steps of the end: all of a kind side by side, one kind after the other. */
  endSteps(): { name: string; close: () => Promise<void> }[] {
    return STOP_ORDER.map((kind) => ({
      name: kind,
      close: async () => {
        const own = [...this.#supervised].filter(([, its]) => its === kind);
        await Promise.all(own.map(([supervisor]) => supervisor.stop()));
      },
    }));
  }
}
