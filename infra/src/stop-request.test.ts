import { execFile } from "node:child_process";
import { expect, test } from "vitest";
import { bareEnvironment } from "../../kit/test/bare-environment.ts";

/** Runs a program that listens for a stop request. `request` is the code that makes the request. */
function run(request: string): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const program = `
    import { listenForStop } from "${new URL("stop-request.ts", import.meta.url)}";
    const stop = listenForStop(() => {}, { nowMs: () => 0 });
    const work = setInterval(() => {}, 1_000);
    stop.signal.addEventListener("abort", () => {
      console.log("stops in order");
      clearInterval(work);
      process.exitCode = stop.exitCode();
    });
    ${request}`;
  return new Promise((resolve) => {
    const args = ["--input-type=module", "--eval", program];
    execFile(process.execPath, args, { env: bareEnvironment, timeout: 30_000 }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

test.each(["SIGINT", "SIGTERM", "SIGHUP"])("%s is a request to stop", async (signal) => {
  const outcome = await run(`process.kill(process.pid, "${signal}");`);
  expect(outcome).toEqual({ code: 0, stdout: "stops in order\n", stderr: "" });
});

test.each([
  ["an error that nobody catches", 'setImmediate(() => { throw new Error("boom"); });'],
  ["a promise that nobody handles", 'Promise.reject(new Error("boom"));'],
])("%s is told, and is one too", async (_, fault) => {
  const { code, stdout, stderr } = await run(fault);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "stops in order\n" });
  expect(stderr).toMatch(/^A fault of the cluster's own: Error: boom\n {4}at /);
});
