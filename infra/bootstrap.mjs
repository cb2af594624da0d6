/**
 * Makes a fresh clone runnable, then runs a program of the workspace: `node infra/bootstrap.mjs PROGRAM.ts
 * [args]`, or `--bin NAME [args]` for a tool of node_modules/.bin.
 *
 * This file alone runs on the machine's own Node (20 or later), so it is plain JavaScript without
 * dependencies. It installs with the pinned pnpm if the lockfile has changed since the last install. Then it
 * hands over to the workspace's Node 24, which runs TypeScript as it is.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PNPM = "pnpm@12.21.0";
const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const bin = join(root, "node_modules", ".bin");
const node = join(root, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
/** Node's cache of compiled modules: a program starts in half the CPU time with it. */
const compiled = join(root, "node_modules", ".cache", "node");
const stamp = join(root, "node_modules", ".teranga-installed");

/**
 * The files and facts that an install depends on. The platform is one, because the Node and PostgreSQL
 * binaries differ by platform.
 */
function installKey() {
  const hash = createHash("sha256").update(`${PNPM} ${process.platform} ${process.arch}`);
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml"]) hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

function installed() {
  return existsSync(node) && existsSync(stamp) && readFileSync(stamp, "utf8") === installKey();
}

function install() {
  process.stderr.write("Installing dependencies (the first time takes a minute or two) …\n");
  // pnpm's output goes to standard error: standard output belongs to the program (`npm run
  // status -- --json`).
  const { status, error } = spawnSync(
    "npx",
    ["--yes", PNPM, "install", "--frozen-lockfile", "--reporter=append-only", "--loglevel=error"],
    {
      cwd: root,
      stdio: ["ignore", 2, 2],
      shell: process.platform === "win32",
    },
  );
  if (error || status !== 0) {
    process.stderr.write(`Installing failed${error ? `: ${error.message}` : ""}; see the lines above.\n`);
    process.exit(1);
  }
  writeFileSync(stamp, installKey());
}

/**
 * Runs the program in the foreground and exits with its exit code or signal. Passes on signals that only this
 * process got.
 */
function run(command, args) {
  const child = spawn(command, args, {
    cwd: root,
    stdio: "inherit",
    env: {
      NODE_COMPILE_CACHE: compiled,
      ...process.env,
      PATH: `${dirname(node)}${delimiter}${bin}${delimiter}${process.env.PATH ?? ""}`,
    },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`${command}: ${error.message}\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}

if (!installed()) install();
const [first, ...rest] = process.argv.slice(2);
if (first === "--bin") run(join(bin, rest[0]), rest.slice(1));
else run(node, [join(root, first), ...rest]);
