/** Reads the imports between the project's own files, imports of types included. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../config.ts";
import type { Import } from "./floors.ts";

/** Each import as the formatter writes it: `from "…"` at the end of a statement, and `import("…")`. */
const IMPORT = /^(?:import|export)\b[^;]*?from "([^"]+)";|\bimport\("([^"]+)"\)/gm;
/** Tests and their helpers may import from anywhere. */
const OF_TESTS = /\.test\.ts$|(?:^|\/)(?:test|fixture)\/|\/testing\.ts$|\/test-[\w-]+\.ts$/;
/** Generated resolver types import the row types of the services, which are on a higher floor. */
const GENERATED = /\/generated\//;

/** Where the files of our packages are. */
const PACKAGES: Readonly<Record<string, string>> = {
  kit: "kit/src",
  protocol: "protocol/src",
  schema: "schema/src",
  gateway: "gateway/src",
  infra: "infra/src",
  catalog: "services/catalog/src",
  city: "services/city/src",
  orders: "services/orders/src",
};

/**
 * @param file its path from the root
 * @param text the text of the file
 */
export function importsOf(file: string, text: string): Import[] {
  const imports: Import[] = [];
  for (const [, named, asked] of text.matchAll(IMPORT)) {
    const to = targetOf(file, (named ?? asked)!);
    if (to !== undefined && !OF_TESTS.test(to)) imports.push({ from: file, to });
  }
  return imports;
}

/** Every import between the project's own files; what git does not know is left out. */
export async function readImports(): Promise<Import[]> {
  const listed = await promisify(execFile)("git", ["ls-files", "*.ts"], { cwd: ROOT });
  const files = listed.stdout
    .split("\n")
    .filter((file) => file.includes("/") && !OF_TESTS.test(file) && !GENERATED.test(file));
  const imports = files.map(async (file) => importsOf(file, await readFile(join(ROOT, file), "utf8")));
  return (await Promise.all(imports)).flat();
}

/** The path from the root; undefined for a package of others. */
function targetOf(file: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(file), specifier);
  const [scope, name, ...path] = specifier.split("/");
  const folder = scope === "@teranga" ? PACKAGES[name!] : undefined;
  return folder && posix.join(folder, ...path);
}
