/** Reads the imports between the project's own files, imports of types included. */
import { glob, readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { ROOT } from "../config.ts";
import type { Import } from "./floors.ts";
import { PACKAGES } from "./packages.ts";

/** Each import as the formatter writes it: `from "…"` at the end of a statement, and `import("…")`. */
const IMPORT = /^(?:import|export)\b[^;]*?from "([^"]+)";|\bimport\("([^"]+)"\)/gm;
/** Tests and their helpers may import from any room of the packages below them. */
const OF_TESTS = /\.test\.ts$|(?:^|\/)(?:test|fixture)\/|\/testing\.ts$|\/test-[\w-]+\.ts$/;
/** Generated resolver types import the row types of the services, which are on a higher floor. */
const GENERATED = /\/generated\//;

/** The texts of all our TypeScript files, by their paths from the root. */
export async function readSources(): Promise<Map<string, string>> {
  const sources = new Map<string, string>();
  for await (const path of glob("*/**/*.ts", { cwd: ROOT, exclude: ["**/node_modules", "**/.*"] }))
    sources.set(path.replaceAll("\\", "/"), await readFile(join(ROOT, path), "utf8"));
  return sources;
}

/** What a file imports of the project's own files, whatever it is for. */
export function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(IMPORT)].flatMap(([, named, asked]) => {
    const to = targetOf(file, (named ?? asked)!);
    return to === undefined ? [] : [{ from: file, to }];
  });
}

/** All imports but those of generated files. */
export function packageImports(sources: ReadonlyMap<string, string>): Import[] {
  return [...sources]
    .filter(([file]) => !GENERATED.test(file))
    .flatMap(([file, text]) => importsOf(file, text));
}

/** The imports that are bound to the floors. */
export function floorImports(sources: ReadonlyMap<string, string>): Import[] {
  return packageImports(sources).filter(({ from, to }) => !OF_TESTS.test(from) && !OF_TESTS.test(to));
}

/** The path from the root; undefined for a package of others. */
function targetOf(file: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(file), specifier);
  for (const { doors } of PACKAGES)
    for (const [door, folder] of doors)
      if (specifier.startsWith(door)) return posix.join(folder, specifier.slice(door.length));
  return undefined;
}
