/** A process that runs seeds for `worker-pool.ts`: one at a time, as it is asked, until the pool hangs up. */
import { rmSync } from "node:fs";
import { plantedFiles } from "./plant.ts";
import { runSeed } from "./run.ts";
import { openStage } from "./stage.ts";
import type { SeedOrder } from "./worker-pool.ts";

const files = plantedFiles();
const stage = await openStage(files);
if (files) rmSync(files.root, { recursive: true });

process.on("message", ({ seed, wantsHistory }: SeedOrder) => {
  void runSeed(stage, seed).then((result) => {
    // It is long, and sending it takes a while.
    const history = wantsHistory || result.violation !== null ? result.history : [];
    process.send!({ ...result, history });
  });
});
process.on("disconnect", () => process.exit());
process.send!("ready");
