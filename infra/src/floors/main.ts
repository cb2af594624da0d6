/** `npm run floors`: checks the imports against the floors and draws the picture. `--check` only compares. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runMain, StartupError } from "@teranga/kit/process/config.ts";
import { ROOT } from "../config.ts";
import { drawFloors } from "./draw.ts";
import { brokenFloor, brokenNeeds, brokenPackage } from "./floors.ts";
import { floorImports, packageImports, readSources } from "./imports.ts";
import { PACKAGES } from "./packages.ts";

const PICTURE = join(ROOT, "docs/floors.svg");

const usage = {
  command: "npm run floors",
  about:
    "Checks that no file and no package needs one on a floor above it, and draws the floors: docs/floors.svg.",
  options: { "--check": "Draws nothing, and fails if the picture is out of date." },
};

await runMain(usage, async () => {
  const sources = await readSources();
  const imports = floorImports(sources);
  const broken = [
    ...brokenNeeds(PACKAGES),
    ...packageImports(sources).map((each) => brokenPackage(PACKAGES, each)),
    ...imports.map(brokenFloor),
  ].filter((problem) => problem !== undefined);
  if (broken.length > 0) throw new StartupError([...new Set(broken)].join("\n"));
  const picture = drawFloors(imports);
  if (!process.argv.includes("--check")) await writeFile(PICTURE, picture);
  else if (picture !== (await readFile(PICTURE, "utf8").catch(() => ""))) {
    throw new StartupError("docs/floors.svg is out of date: run `npm run floors`");
  }
});
