/** The options of `npm run bench:reads`. */
import { parseArgs } from "node:util";
import { StartupError } from "@teranga/kit/process/config.ts";

/** In the order in which they run: the last one kills Redis. */
export const EXPERIMENT_NAMES = ["cached", "replica", "stampede", "changes", "redis"] as const;
export type ExperimentName = (typeof EXPERIMENT_NAMES)[number];

export interface Options {
  rounds: number;
  warmUpMs: number;
  measureMs: number;
  /** How often a key is outdated under 1,000 requests. */
  stampedes: number;
  /** How many changes are made by psql. */
  changes: number;
  experiments: ExperimentName[];
  cpuProfile: boolean;
  write: boolean;
}

const FULL = { rounds: 2, seconds: 3, warmUpMs: 500, stampedes: 3, changes: 200 };
const QUICK = { rounds: 1, seconds: 1, warmUpMs: 500, stampedes: 1, changes: 30 };
const NUMBER_MAX = 1_000;

/** @throws StartupError with one line */
export function readOptions(args: readonly string[]): Options {
  const values = parse(args);
  const { warmUpMs, stampedes, changes, ...preset } = values.quick ? QUICK : FULL;
  return {
    rounds: positive("rounds", values.rounds, preset.rounds),
    measureMs: positive("seconds", values.seconds, preset.seconds) * 1_000,
    warmUpMs,
    stampedes,
    changes,
    experiments: chosen(values.only),
    cpuProfile: values["cpu-profile"] ?? false,
    write: values.write ?? false,
  };
}

function chosen(only: readonly string[] | undefined): ExperimentName[] {
  const names = EXPERIMENT_NAMES.filter((name) => only?.includes(name) ?? true);
  if (names.length < (only?.length ?? 0))
    throw new StartupError(`--only: there is only ${EXPERIMENT_NAMES.join(", ")}`);
  return names;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: "boolean" },
        rounds: { type: "string" },
        seconds: { type: "string" },
        only: { type: "string", multiple: true },
        "cpu-profile": { type: "boolean" },
        write: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw new StartupError(`Options: ${(error as Error).message.split("\n")[0]}`);
  }
}

function positive(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (value > 0 && value <= NUMBER_MAX) return value;
  throw new StartupError(`--${name}: ${JSON.stringify(text)} is not a number above 0`);
}
