/**
 * Measures from within a contestant. It is loaded before the contestant's own code (`node --import`), and IPC
 * messages say when a measurement begins and ends.
 *
 * **Memory of a request** is the heap that was allocated, not the heap that is left. V8 gives the used heap
 * before and after each garbage collection, so the allocation between two collections is the second's
 * "before" minus the first's "after". A full collection marks the beginning and the end; the difference of
 * the heap after the two is the growth. Measuring costs two numbers for each collection, the same in all
 * contestants. Buffers outside of the heap (sockets, undecoded bodies) are not included; RSS has them.
 */
import { Session } from "node:inspector/promises";
import { GCProfiler, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { CpuProfile } from "../cpu-profile.ts";

export type ProbeOrder = { kind: "begin"; profile: boolean } | { kind: "end" };

export type ProbeAnswer =
  | { kind: "begun" }
  | { kind: "ended"; allocatedBytes: number; grownBytes: number; profile: CpuProfile | null };

const channel = process.send?.bind(process);
if (channel) {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  let measuring: Awaited<ReturnType<typeof begin>> | undefined;

  const begin = async (withProfile: boolean) => {
    const session = withProfile ? new Session() : undefined;
    session?.connect();
    await session?.post("Profiler.enable");
    collect();
    const heapBytes = process.memoryUsage().heapUsed;
    const collections = new GCProfiler();
    collections.start();
    await session?.post("Profiler.start");
    return { session, heapBytes, collections };
  };

  const end = async ({
    session,
    heapBytes,
    collections,
  }: NonNullable<typeof measuring>): Promise<ProbeAnswer> => {
    const profile = session ? (await session.post("Profiler.stop")).profile : null;
    session?.disconnect();
    collect();
    const grownBytes = process.memoryUsage().heapUsed - heapBytes;
    let [allocatedBytes, usedBytes] = [0, heapBytes];
    for (const { beforeGC, afterGC } of collections.stop()?.statistics ?? []) {
      allocatedBytes += beforeGC.heapStatistics.usedHeapSize - usedBytes;
      usedBytes = afterGC.heapStatistics.usedHeapSize;
    }
    return { kind: "ended", allocatedBytes, grownBytes, profile: profile as CpuProfile | null };
  };

  process.on("message", (order: ProbeOrder) => {
    if (order.kind === "begin") {
      void begin(order.profile).then((begun) => {
        measuring = begun;
        channel({ kind: "begun" } satisfies ProbeAnswer);
      });
    } else if (order.kind === "end" && measuring) {
      void end(measuring).then((answer) => channel(answer));
      measuring = undefined;
    }
  });
  // A contestant ends when its parent has gone; the channel alone does not keep it alive.
  process.on("disconnect", () => process.exit(0));
  process.channel?.unref();
}
