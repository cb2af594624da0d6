/** A start that hangs. How a cluster that runs ends is shown by test/cluster.test.ts. */
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
  // Reading a pipe that nobody writes to takes for ever.
  await rm(join(home, "version"));
  execFileSync("sh", ["-c", "mkfifo version"], { cwd: home });
  const env = { ...bareEnvironment, TERANGA_HOME: home, GATEWAY_PORT: "0" };
  const child = spawn(process.execPath, [programPath("infra/src/start.ts")], { env });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  const exited = once(child, "exit");
  try {
    await vi.waitFor(() => expect(output).toContain("Starting the cluster"), { timeout: 30_000 });
    // One key press, as npm and the terminal deliver it, is one request.
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
