/**
 * Finds Redis 7 on this machine, and installs Debian's package where that is allowed. Tests that need Redis
 * are left out where there is none, and the run says so.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** How the server is started: the same program is the sentinel. */
export interface RedisProgram {
  file: string;
  /** The name that it is called by, which decides what it does. */
  argv0: string;
}

/** Debian's redis-tools has the server under a checker's name; redis-server adds its own and a daemon. */
const NAMES = ["redis-server", "redis-check-rdb"];
const VERSION_MIN = 7;
const INSTALL_LIMIT_MS = 120_000;
const APT = "/usr/bin/apt-get";

export function findRedis(): RedisProgram | undefined {
  return NAMES.map((file) => ({ file, argv0: "redis-server" })).find(isNewEnough);
}

function isNewEnough({ file, argv0 }: RedisProgram): boolean {
  const { stdout } = spawnSync(file, ["--version"], { argv0, encoding: "utf8" });
  return Number(/ v=(\d+)/.exec(stdout ?? "")?.[1]) >= VERSION_MIN;
}

/** Undefined if Redis is there, else why it is not. Installs it on Debian, as root. */
export function ensureRedis(): string | undefined {
  if (findRedis()) return undefined;
  if (!existsSync(APT)) return "there is no redis-server of version 7 or later, and no apt-get to install it";
  if (process.getuid?.() !== 0) {
    return "there is no redis-server of version 7 or later, and only root may install it: apt-get install redis-tools";
  }
  process.stderr.write("Installing Redis for the tests (apt-get install redis-tools) …\n");
  const failure =
    runApt("update", "-qq") ?? runApt("install", "-qq", "-y", "--no-install-recommends", "redis-tools");
  if (failure !== undefined) return `Redis could not be installed: ${failure}`;
  return findRedis() ? undefined : "Debian's redis-tools has no server of version 7 or later";
}

/** Undefined if it went well, else the last line of what it said. */
function runApt(...args: string[]): string | undefined {
  const { status, stderr, error } = spawnSync(APT, args, {
    encoding: "utf8",
    timeout: INSTALL_LIMIT_MS,
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (status === 0) return undefined;
  return error?.message ?? stderr.trim().split("\n").at(-1) ?? "apt-get failed";
}
