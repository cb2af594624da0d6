/**
 * Plants a bug in this process: the source files that it names are changed on their way from the disk into
 * the process, TypeScript by a hook of the module loader, SQL in a copy of the city's files. Loaded before
 * everything else by `--import`.
 */
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { DatabaseFiles } from "@teranga/kit/postgres/migrate.ts";
import type { Edit } from "./planted/planted-bug.ts";
import { PLANTED_BUGS } from "./planted-bugs.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PROTOCOL = join(ROOT, "protocol");

const name = process.env.SIMULATION_BUG;
const bug = PLANTED_BUGS.find((each) => each.name === name);
if (name && !bug) throw new Error(`there is no planted bug "${name}"`);
const edits = bug?.edits ?? [];

/** Applies an edit. @throws Error unless what it replaces is there exactly once */
export function edited(source: string, { file, find, replace }: Edit): string {
  const parts = source.split(find);
  if (parts.length !== 2)
    throw new Error(`${file} has what a planted bug replaces ${parts.length - 1} times: ${find}`);
  return parts.join(replace);
}

function plantIn(path: string): string {
  const ofFile = edits.filter(({ file }) => join(ROOT, file) === path);
  return ofFile.reduce(edited, readFileSync(path, "utf8"));
}

const modules = new Map(
  edits
    .filter(({ file }) => file.endsWith(".ts"))
    .map(({ file }) => [pathToFileURL(join(ROOT, file)).href, join(ROOT, file)]),
);
if (modules.size > 0) {
  registerHooks({
    load(url, context, nextLoad) {
      const path = modules.get(url);
      if (path === undefined) return nextLoad(url, context);
      return { format: "module-typescript", source: plantIn(path), shortCircuit: true };
    },
  });
}

/**
 * The city's SQL files with the bug: a copy, whose `root` is for the caller to remove. Undefined if the bug
 * is in none of them.
 */
export function plantedFiles(): (DatabaseFiles & { root: string }) | undefined {
  const paths = new Set(
    edits.filter(({ file }) => file.endsWith(".sql")).map(({ file }) => join(ROOT, file)),
  );
  if (paths.size === 0) return undefined;
  const root = mkdtempSync(join(tmpdir(), "teranga-planted-"));
  for (const folder of ["migrations", "functions"])
    cpSync(join(PROTOCOL, folder), join(root, folder), { recursive: true });
  for (const path of paths) writeFileSync(join(root, relative(PROTOCOL, path)), plantIn(path));
  return { root, migrations: join(root, "migrations"), functions: join(root, "functions") };
}
