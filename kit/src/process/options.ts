/** Reads the command lines of programs. */
import { parseArgs } from "node:util";
import { z } from "zod";
import { StartupError } from "./config.ts";

/**
 * Reads `--name value` for each name of the schema.
 * @throws StartupError with one line that names the option
 */
export function readOptions<Schema extends z.ZodObject>(
  schema: Schema,
  args: readonly string[],
): z.infer<Schema> {
  const options = Object.fromEntries(
    Object.keys(schema.shape).map((name) => [name, { type: "string" } as const]),
  );
  try {
    return schema.parse(parseArgs({ args: [...args], options }).values);
  } catch (error) {
    const issue = error instanceof z.ZodError ? error.issues[0] : undefined;
    const reason = issue ? `--${issue.path.join(".")}: ${issue.message}` : (error as Error).message;
    throw new StartupError(`Options: ${reason.split("\n")[0]}`);
  }
}
