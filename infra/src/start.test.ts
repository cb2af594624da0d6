/**
 * Goal: a start that hangs can be ended. Method: a home whose version file is a pipe. test/cluster.test.ts
 * tests the end of a cluster that runs.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { bareEnvironment } from "../../kit/test/bare-environment.ts";
import { programPath } from "./config.ts";
import { openHome } from "./home.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "teranga-start-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

test.runIf(process.platform !== "win32")("a start that hangs ends at the second signal", async () => {
  await openHome(home);
  // Reading a pipe without a writer never ends.
  await rm(join(home, "version"));
  execFileSync("sh", ["-c", "mkfifo version"], { cwd: home });
  const env = { ...bareEnvironment, TERANGA_HOME: home, GATEWAY_PORT: "0" };
  const child = spawn(process.execPath, [programPath("infra/src/start.ts")], { env });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  const exited = once(child, "exit");
  try {
    await vi.waitFor(() => expect(output).toContain("Starting the cluster"), { timeout: 30_000 });
    // npm and the terminal deliver one key press up to three times; it counts as one request.
    for (let times = 0; times < 3; times++) child.kill("SIGINT");
    await sleep(1_500);
    expect(child.exitCode ?? child.signalCode).toBeNull();
    child.kill("SIGTERM");
    expect(await exited).toEqual([null, "SIGKILL"]);
    expect(output).toContain("does not give up in order");
  } finally {
    child.kill("SIGKILL");
  }
});
