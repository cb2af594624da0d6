/** Checks that no comment is wider than code may be: the formatter wraps code and leaves comments alone. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { runMain, StartupError } from "@teranga/kit/process/config.ts";
import { ROOT } from "./config.ts";

/** As in biome.json. */
const WIDTH_MAX = 110;
/** A line that is a comment, or a part of one. */
const COMMENT = /^\s*(?:\/\/|\/\*|\*|--)/;

const usage = {
  command: "node infra/src/comment-width.ts",
  about: `Checks that no comment is wider than ${WIDTH_MAX} columns.`,
};

await runMain(usage, async () => {
  const options = ["ls-files", "*.ts", "*.mjs", "*.sql", ":!**/generated/**"];
  const listed = await promisify(execFile)("git", options, { cwd: ROOT });
  const wide: string[] = [];
  for (const file of listed.stdout.split("\n").filter(Boolean)) {
    const lines = (await readFile(join(ROOT, file), "utf8")).split("\n");
    for (const [index, line] of lines.entries()) {
      if (COMMENT.test(line) && [...line].length > WIDTH_MAX) wide.push(`${file}:${index + 1}`);
    }
  }
  if (wide.length > 0) throw new StartupError(`Comments over ${WIDTH_MAX} columns: ${wide.join(", ")}`);
});
