/**
 * Plants a bug in this process: TypeScript as it is loaded, SQL in a copy of the city's files. Loaded before
 * everything else by `--import`.
 */
import { cpSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { DatabaseFiles } from "@teranga/kit/postgres/migrate.ts";
import { findBug, plantInModules, ROOT, readPlanted } from "../harness/planted-bug.ts";
import { PLANTED_BUGS } from "./planted-bugs.ts";

const PROTOCOL = join(ROOT, "protocol");

const edits = findBug(PLANTED_BUGS, process.env.SIMULATION_BUG)?.edits ?? [];
plantInModules(edits);

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
  for (const path of paths) writeFileSync(join(root, relative(PROTOCOL, path)), readPlanted(path, edits));
  return { root, migrations: join(root, "migrations"), functions: join(root, "functions") };
}
