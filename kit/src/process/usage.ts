/** `--help`, the same for every program: what it does, its options, its environment. */
import type { z } from "zod";

/** How a program is used. */
export interface Usage {
  /** As it is called: `npm start`. */
  command: string;
  /** What it does. */
  about: string;
  /**
   * Each option as it is written (`--port N`), and what it means. A program without any takes no arguments at
   * all.
   */
  options?: Readonly<Record<string, string>>;
  /** The variables that it reads, each with its description. */
  variables?: z.ZodObject;
}

/** Whether a command line asks for help. What it says beside that does not matter: nothing is done then. */
export function asksForHelp(args: readonly string[]): boolean {
  return args.includes("--help") || args.includes("-h");
}

/** What `--help` prints. */
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
