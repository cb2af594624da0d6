/** `--help`, in the same form for every program: its purpose, its options, its environment. */
import type { z } from "zod";

/** The description of a program. */
export interface Usage {
  /** The command line: `npm start`. */
  command: string;
  /** The program's purpose. */
  about: string;
  /**
   * Each option as it is typed (`--port N`), with its meaning. A program without
   * options takes no arguments at all.
   */
  options?: Readonly<Record<string, string>>;
  /** The variables that the program reads, each with its description. */
  variables?: z.ZodObject;
}

/** Whether a command line asks for help. Its other arguments do not matter then. */
export function asksForHelp(args: readonly string[]): boolean {
  return args.includes("--help") || args.includes("-h");
}

/** The text of `--help`. */
export function usageText({ command, about, options = {}, variables }: Usage): string {
  const separator = command.startsWith("npm ") ? " --" : "";
  const rows = Object.entries({ ...options, "--help": "Shows this, and does nothing else." });
  const environment = Object.entries(variables?.shape ?? {}).map(
    ([name, schema]) => [name, (schema as z.ZodType).description ?? ""] as const,
  );
  return [
    `${command}: ${about}`,
    `\nUsage: ${command}${Object.keys(options).length > 0 ? `${separator} [OPTION]...` : ""}`,
    `\nOptions:\n${table(rows)}`,
    ...(environment.length > 0 ? [`\nEnvironment (docs/configuration.md):\n${table(environment)}`] : []),
    "",
  ].join("\n");
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, meaning]) => `  ${name.padEnd(width)}  ${meaning}`).join("\n");
}
