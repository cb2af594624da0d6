/** YAML that people write. */
import { parse } from "yaml";
import type { z } from "zod";

/**
 * Parses YAML as the schema says.
 * @throws Error whose message names the place and the fault
 */
export function parseYaml<Schema extends z.ZodType>(schema: Schema, text: string): z.infer<Schema> {
  const result = schema.safeParse(parse(text));
  if (result.success) return result.data;
  // A misspelt field also leaves the right one missing. The written name says more than the missing one.
  const { issues } = result.error;
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0]!;
  throw new Error(`${issue.path.join(".") || "the document"}: ${issue.message}`);
}
