import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger } from "@teranga/kit/process/log.ts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { freePort } from "./ports.ts";
import { isAlive, untilGone } from "./process.ts";
import { endpoint } from "./processes.ts";
import { startService } from "./service-process.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "teranga-service-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function start(text: string, signal: AbortSignal = new AbortController().signal) {
  const program = join(directory, "main.mjs");
  await writeFile(program, text);
  const port = await freePort();
  return startService({
    name: "greeter",
    program,
    env: { PORT: String(port) },
    url: endpoint(port),
    logFile: join(directory, "greeter.log"),
    log: createLogger("test", "silent"),
    signal,
  });
}

const SERVE = `import { createServer } from "node:http";
  createServer((_, response) => response.end("{}")).listen(process.env.PORT, "127.0.0.1");`;

test("a service is ready when its health says so, and ends when it is told to", async () => {
  const service = await start(SERVE);
  await service.stop();
  expect(await service.exited).toEqual({ code: null, signal: "SIGTERM" });
  expect(await untilGone(service.pid, 0)).toBe(true);
});

test("a service that ends at once is said with its own last words", async () => {
  const words = "Configuration: CITY is not set";
  const text = `process.stdout.write('{"level":30}\\n'); process.stderr.write("${words}\\n"); process.exitCode = 1;`;
  await expect(start(text)).rejects.toThrow(`greeter did not start: ${words}; see ${directory}`);
});

test("giving up a start ends the service", async () => {
  const abort = new AbortController();
  const pidFile = join(directory, "pid");
  const text = `import { writeFileSync } from "node:fs";
    writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));
    setInterval(() => {}, 1000);`;
  const started = expect(start(text, abort.signal)).rejects.toThrow("aborted");
  const pid = await vi.waitUntil(() => existsSync(pidFile) && Number(readFileSync(pidFile, "utf8")), {
    timeout: 10_000,
  });
  abort.abort();
  await started;
  expect(isAlive(pid)).toBe(false);
});
