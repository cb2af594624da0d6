/**
 * Planted bugs: mistakes that a test has to find, each a change of our source. A hook of the module loader
 * changes TypeScript on its way from the disk into the process, so a bug is planted before its module is
 * loaded.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A mistake that is planted, and what it changes. */
export interface PlantedBug {
  name: string;
  edits: readonly Edit[];
}

export interface Edit {
  /** From the root of the repository. */
  file: string;
  /** What is replaced; it is there exactly once. */
  find: string;
  replace: string;
}

/**
 * The bug of this name; none for an empty name.
 * @throws Error if the list has none
 */
export function findBug(bugs: readonly PlantedBug[], name: string | undefined): PlantedBug | undefined {
  const bug = bugs.find((each) => each.name === name);
  if (name && !bug) throw new Error(`there is no planted bug "${name}"`);
  return bug;
}

/** Applies an edit. @throws Error unless what it replaces is there exactly once */
export function edited(source: string, { file, find, replace }: Edit): string {
  const parts = source.split(find);
  if (parts.length !== 2)
    throw new Error(`${file} has what a planted bug replaces ${parts.length - 1} times: ${find}`);
  return parts.join(replace);
}

/** The text of a file with the edits of it. */
export function readPlanted(path: string, edits: readonly Edit[]): string {
  const ofFile = edits.filter(({ file }) => join(ROOT, file) === path);
  return ofFile.reduce(edited, readFileSync(path, "utf8"));
}

/** Plants the edits of TypeScript in the modules that this process loads from now on. */
export function plantInModules(edits: readonly Edit[]): void {
  const modules = new Map(
    edits
      .filter(({ file }) => file.endsWith(".ts"))
      .map(({ file }) => [pathToFileURL(join(ROOT, file)).href, join(ROOT, file)]),
  );
  if (modules.size === 0) return;
  registerHooks({
    load(url, context, nextLoad) {
      const path = modules.get(url);
      if (path === undefined) return nextLoad(url, context);
      return { format: "module-typescript", source: readPlanted(path, edits), shortCircuit: true };
    },
  });
}
