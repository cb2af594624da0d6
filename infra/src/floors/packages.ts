/** Our packages: where they are, what their names lead to, and which others they say that they need. */
import { globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { ROOT } from "../config.ts";

export interface Package {
  name: string;
  /** Its path from the root. */
  folder: string;
  /** What an import's name begins with, and the folder that this stands for; the longest name first. */
  doors: (readonly [string, string])[];
  /** The names of our other packages that it depends on, in development too. */
  needs: string[];
}

interface Manifest {
  name: string;
  exports?: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

function readPackage(path: string): Package {
  const folder = posix.dirname(path.replaceAll("\\", "/"));
  const manifest = JSON.parse(readFileSync(join(ROOT, path), "utf8")) as Manifest;
  const { name, exports = {}, dependencies, devDependencies } = manifest;
  const doors = Object.entries(exports).map(
    ([door, to]) =>
      [posix.join(name, door).replace("*", ""), posix.join(folder, to).replace("*", "")] as const,
  );
  doors.sort(([one], [other]) => other.length - one.length);
  const needs = Object.keys({ ...dependencies, ...devDependencies });
  return { name, folder, doors, needs: needs.filter((needed) => needed.startsWith("@teranga/")) };
}

export const PACKAGES: readonly Package[] = globSync("{*,services/*}/package.json", {
  cwd: ROOT,
  exclude: ["node_modules"],
}).map(readPackage);
