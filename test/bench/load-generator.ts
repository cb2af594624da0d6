/**
 * The load generator, a process of its own. Each of its clients sends its next order when the one before is
 * answered.
 *
 * It gets its job in one IPC message, reports the end of the warm-up and then its measurements, and ends with
 * its last order.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { openDriver, PLACED } from "./drivers.ts";
import type { LoadJob, LoadMessage, LoadReport } from "./load.ts";
import { drawOrder, seededRandom } from "./scenarios.ts";

process.once("message", (job: LoadJob) => void run(job));
// The benchmark has gone, so the result is of no use.
const leave = () => process.exit(1);
process.once("disconnect", leave);

async function run({ target, scenario, seed, warmUpMs, measureMs, pauseMs }: LoadJob): Promise<void> {
  const driver = openDriver(target, scenario.concurrency);
  const random = seededRandom(seed);
  const report: LoadReport = { latenciesMs: [], results: {}, measuredMs: 0, placedInAll: 0 };
  let phase: "warm-up" | "measuring" | "over" = "warm-up";

  const client = async () => {
    while (phase !== "over") {
      if (pauseMs > 0) await sleep(pauseMs);
      const sentMs = performance.now();
      const result = await driver.place(drawOrder(scenario, random));
      const answeredMs = performance.now();
      if (result === PLACED) report.placedInAll += 1;
      if (phase !== "measuring") continue;
      report.results[result] = (report.results[result] ?? 0) + 1;
      if (result === PLACED) report.latenciesMs.push(answeredMs - sentMs);
    }
  };
  const clients = Array.from({ length: scenario.concurrency }, client);
  await sleep(warmUpMs);
  tell({ kind: "measuring" });
  phase = "measuring";
  const startMs = performance.now();
  await sleep(measureMs);
  report.measuredMs = performance.now() - startMs;
  phase = "over";
  tell({ kind: "measured" });
  await Promise.all(clients);
  await driver.close();
  tell({ kind: "ended", report });
  process.off("disconnect", leave);
  process.disconnect();
}

function tell(message: LoadMessage): void {
  process.send!(message);
}
