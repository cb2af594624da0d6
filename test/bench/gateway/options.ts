/** The options of `npm run bench:gateway`. */
import { parseArgs } from "node:util";
import { StartupError } from "@teranga/kit/process/config.ts";
import { CONTESTANT_IDS, type ContestantId } from "./contestants.ts";
import { OPERATION_NAMES, type OperationName } from "./market.ts";

/** The experiments on our own graph: many cities, the cost of splitting, one sick city. */
export const EXPERIMENT_NAMES = ["cities", "split", "sick"] as const;
export type ExperimentName = (typeof EXPERIMENT_NAMES)[number];

export interface Options {
  rounds: number;
  /** The warm-up of each run. */
  warmUpMs: number;
  /** The answers of each contestant before the first round. */
  warmUpAnswers: number;
  measureMs: number;
  operations: OperationName[];
  experiments: ExperimentName[];
  contestants: ContestantId[];
  cpuProfile: boolean;
  write: boolean;
}

const FULL = { rounds: 5, seconds: 4, warmUpMs: 2_000, warmUpAnswers: 1_000 };
const QUICK = { rounds: 1, seconds: 2, warmUpMs: 1_000, warmUpAnswers: 200 };
const NUMBER_MAX = 1_000;

/** @throws StartupError with one line */
export function readOptions(args: readonly string[]): Options {
  const values = parse(args);
  const names = [...OPERATION_NAMES, ...EXPERIMENT_NAMES];
  const wanted = new Set<string>(chosen("only", names, values.only, (name, text) => name.includes(text)));
  const preset = values.quick ? QUICK : FULL;
  return {
    rounds: positive("rounds", values.rounds, preset.rounds),
    warmUpMs: preset.warmUpMs,
    warmUpAnswers: preset.warmUpAnswers,
    measureMs: positive("seconds", values.seconds, preset.seconds) * 1_000,
    operations: OPERATION_NAMES.filter((name) => wanted.has(name)),
    experiments: EXPERIMENT_NAMES.filter((name) => wanted.has(name)),
    contestants: chosen("contestant", CONTESTANT_IDS, values.contestant, (id, text) => id === text),
    cpuProfile: values["cpu-profile"] ?? false,
    write: values.write ?? false,
  };
}

function chosen<Name extends string>(
  option: string,
  all: readonly Name[],
  texts: readonly string[] | undefined,
  fits: (name: Name, text: string) => boolean,
): Name[] {
  if (texts === undefined) return [...all];
  const names = all.filter((name) => texts.some((text) => fits(name, text)));
  if (names.length === 0) throw new StartupError(`--${option}: there is only ${all.join(", ")}`);
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
        contestant: { type: "string", multiple: true },
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
