/** Searches names for a text that a person typed. */
import { normalise } from "../topology/partition.ts";

/** The normalised text as the middle of a LIKE pattern. The text's own wildcards are escaped. */
export function containing(text: string): string {
  return normalise(text).replace(/[\\%_]/g, "\\$&");
}
