import { type ChildProcess, spawn } from "node:child_process";
import { createLogger } from "@teranga/kit/process/log.ts";
import type { Clock } from "@teranga/kit/process/retry.ts";
import { afterEach, expect, test } from "vitest";
import { untilGone } from "./process.ts";
import { type LaunchedProcess, type ProcessExit, type ProcessState, Supervisor } from "./supervisor.ts";

const clock: Clock = { nowMs: () => 0, random: () => 0 };
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** A real process that idles until it is stopped. */
async function launchIdle(): Promise<LaunchedProcess> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  children.push(child);
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await exited;
  };
  return { pid: child.pid!, exited, stop };
}

function supervise(launch: (signal: AbortSignal) => Promise<LaunchedProcess>, insists = false) {
  const states: ProcessState[] = [];
  const lines: string[] = [];
  const waiting: { phase: ProcessState["phase"]; count: number; resolve: () => void }[] = [];
  const times = (phase: ProcessState["phase"]) => states.filter((state) => state.phase === phase).length;
  const supervisor = new Supervisor({
    name: "idler",
    launch,
    clock,
    insists,
    backoff: { firstMs: 10, maxMs: 40 },
    log: createLogger("test", "info", {
      write: (line) => void lines.push((JSON.parse(line) as { msg: string }).msg),
    }),
    onChange: (state) => {
      states.push(state);
      for (const each of waiting) if (times(each.phase) >= each.count) each.resolve();
    },
  });
  /** Resolves when the phase has been entered `count` times. */
  const entered = (phase: ProcessState["phase"], count: number) =>
    new Promise<void>((resolve) => {
      if (times(phase) >= count) resolve();
      else waiting.push({ phase, count, resolve });
    });
  return { supervisor, states, lines, entered };
}

const pidOf = (state: ProcessState) => (state.phase === "ready" ? state.process.pid : 0);

test("a process that is killed is started again, after a wait, and the log says so", async () => {
  const { supervisor, states, lines, entered } = supervise(launchIdle);
  await supervisor.start();
  await entered("ready", 1);
  const first = pidOf(supervisor.state);
  process.kill(first, "SIGKILL");
  await entered("ready", 2);
  const second = pidOf(supervisor.state);
  expect(second).not.toBe(first);
  expect(states.map(({ phase }) => phase)).toEqual(["starting", "ready", "backing-off", "starting", "ready"]);
  expect(lines).toEqual([
    "idler ended by itself (signal SIGKILL)",
    "idler is started again in 5 ms",
    `idler is ready again (pid ${second})`,
  ]);
  await supervisor.stop();
  expect(supervisor.state.phase).toBe("stopped");
  expect(await untilGone(second, 0)).toBe(true);
});

test("waits grow up to their limit while the process keeps failing", async () => {
  let launches = 0;
  const { supervisor, states, entered } = supervise(async () => {
    launches += 1;
    if (launches > 1) throw new Error("no luck");
    return launchIdle();
  });
  await supervisor.start();
  await entered("ready", 1);
  process.kill(pidOf(supervisor.state), "SIGKILL");
  await entered("backing-off", 5);
  await supervisor.stop();
  const waits = states.flatMap((state) => (state.phase === "backing-off" ? [state.delayMs] : []));
  expect(waits.slice(0, 5)).toEqual([5, 10, 20, 20, 20]);
});

test("a first start that fails is not tried again", async () => {
  let launches = 0;
  const { supervisor, states } = supervise(async () => {
    launches += 1;
    throw new Error("wrong configuration");
  });
  await expect(supervisor.start()).rejects.toThrow("wrong configuration");
  await supervisor.stop();
  expect(launches).toBe(1);
  expect(states.map(({ phase }) => phase)).toEqual(["starting", "stopped"]);
});

test("a first start that fails is tried again by one that insists", async () => {
  let launches = 0;
  const { supervisor, states, lines, entered } = supervise(async () => {
    launches += 1;
    if (launches === 1) throw new Error("its primary does not answer");
    return launchIdle();
  }, true);
  await supervisor.start();
  await entered("ready", 1);
  expect(states.map(({ phase }) => phase)).toEqual(["starting", "backing-off", "starting", "ready"]);
  expect(lines[0]).toBe("idler did not start: its primary does not answer");
  await supervisor.stop();
});

test("stopping while it starts gives the start up", async () => {
  const { supervisor } = supervise(
    (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new Error("given up")));
      }),
  );
  const started = expect(supervisor.start()).rejects.toThrow("given up");
  await supervisor.stop();
  await started;
  expect(supervisor.state.phase).toBe("stopped");
});

test("stopping while it waits ends at once, and nothing is started any more", async () => {
  let launches = 0;
  const { supervisor, entered } = supervise(async () => {
    launches += 1;
    return launchIdle();
  });
  await supervisor.start();
  await entered("ready", 1);
  process.kill(pidOf(supervisor.state), "SIGKILL");
  await entered("backing-off", 1);
  await supervisor.stop();
  expect(supervisor.state.phase).toBe("stopped");
  expect(launches).toBe(1);
});

test("a process that comes up just as it is stopped is ended too", async () => {
  let launched: LaunchedProcess | undefined;
  const { supervisor } = supervise(async () => {
    launched = await launchIdle();
    return launched;
  });
  const started = supervisor.start();
  await Promise.all([started, supervisor.stop()]);
  expect(supervisor.state.phase).toBe("stopped");
  expect(await untilGone(launched!.pid, 0)).toBe(true);
});
