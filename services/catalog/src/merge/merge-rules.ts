/** The merge rules: by unit of a row, what becomes of changes that did not know of one another. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { StartupError } from "@teranga/kit/process/config.ts";
import { parseYaml } from "@teranga/kit/process/yaml-file.ts";
import { z } from "zod";

const OWN_FILE = fileURLToPath(new URL("../../merge-rules.yaml", import.meta.url));

const CUSTOM = /^custom:[a-z]+(_[a-z]+)*@[1-9][0-9]{0,5}$/;

/** A strategy that suits any value, or one of those given as well. */
const strategy = (...more: readonly string[]) => {
  const known = ["LATEST", "MANUAL", "FIELD_WISE", ...more];
  const suits = (text: string) => known.includes(text) || CUSTOM.test(text);
  return z.string().refine(suits, {
    error: ({ input }) =>
      `${JSON.stringify(input)} is none of its strategies (${known.join(", ")}, custom:NAME@VERSION)`,
  });
};
const value = strategy();
const counter = strategy("ADD");
const set = strategy("UNION");
/** A custom resolver knows one column. */
const columns = z.enum(["LATEST", "MANUAL", "FIELD_WISE"], {
  error: ({ input }) => `${JSON.stringify(input)} is none of its strategies (LATEST, MANUAL, FIELD_WISE)`,
});

const mergeRulesFile = z.strictObject({
  version: z.int().min(1).max(1_000_000),
  Product: z.strictObject({
    name: value,
    description: value,
    price: value,
    discontinued: value,
    tags: set,
    supplier: value,
  }),
  Supplier: z.strictObject({ name: value, contact: columns, deliveries: counter }),
});

export type MergeRules = z.infer<typeof mergeRulesFile>;

/**
 * Reads a file of merge rules.
 * @throws StartupError with one line that names the file, the place and the fault
 */
export async function readMergeRules(file: string = OWN_FILE): Promise<MergeRules> {
  try {
    return parseYaml(mergeRulesFile, await readFile(file, "utf8"));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const fault = code ? `cannot be read (${code})` : message.split("\n")[0];
    throw new StartupError(`Merge rules ${file}: ${fault}`);
  }
}
