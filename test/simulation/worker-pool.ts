/** Runs many seeds, on a few processes side by side. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { RunResult } from "./run.ts";

export interface PoolOptions {
  firstSeed: number;
  /** How many seeds, from the first one on. */
  seeds: number;
  workers: number;
  /** The name of a planted bug. */
  bug?: string | undefined;
  /** Whether the results have the history of runs in which nothing was violated, too. */
  wantsHistory?: boolean;
  /** Told of each result as it comes. Returns whether it wants more. */
  onResult: (result: RunResult) => boolean;
}

/** What a process is told. */
export interface SeedOrder {
  seed: number;
  wantsHistory: boolean;
}

const SEED_PROCESS = fileURLToPath(new URL("seed-process.ts", import.meta.url));
const PLANT = fileURLToPath(new URL("plant.ts", import.meta.url));
/** A run takes a tenth of a second, and starting five, on a machine that does nothing else. */
const SILENCE_MAX_MS = 300_000;

/**
 * Resolves when all seeds have run, or the caller wants no more.
 * @throws if a process dies or falls silent
 */
export async function runSeeds(options: PoolOptions): Promise<void> {
  const { firstSeed, seeds, workers } = options;
  const left = Array.from({ length: seeds }, (_, index) => firstSeed + index)[Symbol.iterator]();
  const state = { wantsMore: true };
  const count = Math.max(1, Math.min(workers, seeds));
  await Promise.all(Array.from({ length: count }, () => runOnOne(options, left, state)));
}

/** One process, which takes the next seed whenever it has finished one. */
async function runOnOne(
  { bug, wantsHistory = false, onResult }: PoolOptions,
  seeds: Iterator<number>,
  state: { wantsMore: boolean },
): Promise<void> {
  const child = fork(SEED_PROCESS, {
    execArgv: ["--import", PLANT],
    env: { ...process.env, SIMULATION_BUG: bug ?? "" },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  try {
    await answerOf(child);
    for (let next = seeds.next(); state.wantsMore && !next.done; next = seeds.next()) {
      child.send({ seed: next.value, wantsHistory } satisfies SeedOrder);
      const result = (await answerOf(child)) as RunResult;
      state.wantsMore = onResult(result) && state.wantsMore;
    }
  } catch (error) {
    state.wantsMore = false;
    throw error;
  } finally {
    child.kill("SIGKILL");
  }
}

/** The next message of a process. */
function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      child.off("message", succeed);
      child.off("exit", die);
    };
    const succeed = (message: unknown) => {
      end();
      resolve(message);
    };
    const die = (code: number | null) => {
      end();
      reject(new Error(`a process of the simulation ended with code ${code}`));
    };
    const timer = setTimeout(() => {
      end();
      reject(new Error(`a process of the simulation was silent for ${SILENCE_MAX_MS} ms`));
    }, SILENCE_MAX_MS);
    child.on("message", succeed);
    child.on("exit", die);
  });
}
