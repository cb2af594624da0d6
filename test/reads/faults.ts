/** Faults that may make a read old, drawn at random; each ends before the next begins. */
import type { Fault, FaultMeans } from "./fault.ts";
import { redisFaults } from "./redis-faults.ts";
import type { Member, ReplicatedServer } from "./replicated-server.ts";
import type { ReadsWorld } from "./world.ts";

export interface FaultTerms extends FaultMeans {
  world: ReadsWorld;
  /** Makes many changes. It is done while a fault begins, when what it changes may not be heard of. */
  change: () => Promise<void>;
  /** What else is done from time to time, while there is no fault. */
  more: readonly Fault[];
  say: (line: string) => void;
}

const PAUSE_MS = { least: 100, most: 2_000 };
const BETWEEN_MS = { least: 20, most: 500 };
const CHANGED_MS_MAX = 150;
/** An application name (kit/src/outbox/outbox-table.ts). */
const OUTBOX_READER = "catalog outbox";
/** Of each piece, in both directions. A change is heard of after 50 ms. */
const SLOW_MS = { least: 10, most: 300 };

/** Hurts the world until the signal. Rejects if it could not be mended. */
export async function hurt(terms: FaultTerms, signal: AbortSignal): Promise<number> {
  const { random, delay, more, change, say } = terms;
  let faults = 0;
  while (!signal.aborted) {
    await delay(random.between(BETWEEN_MS.least, BETWEEN_MS.most));
    if (signal.aborted) break;
    const all = [...faultsOf(terms), ...more];
    const { name, stopsWrites, happen } = random.pickWeighted(
      all.map((item) => ({ weight: item.weight, item })),
    );
    say(name);
    const soonMs = random.between(0, CHANGED_MS_MAX);
    await Promise.all([happen(), stopsWrites ? undefined : delay(soonMs).then(change)]);
    faults++;
  }
  return faults;
}

function faultsOf(terms: FaultTerms): Fault[] {
  const { world, random, delay, change } = terms;
  const servers: [string, ReplicatedServer][] = Object.entries(world.servers);
  const [name, server] = random.pick(servers);
  const replica: Member = random.pick(server.replicas);
  const { restartable } = world;
  const restarted = random.pick(restartable);
  return [
    {
      name: `replay of ${replica.name} pauses`,
      weight: 8,
      async happen() {
        await server.pause(replica);
        await delay(random.between(PAUSE_MS.least, PAUSE_MS.most));
        await server.resume(replica);
      },
    },
    { name: `${replica.name} dies`, weight: 3, happen: () => server.crash(replica) },
    {
      name: `${replica.name} becomes the primary of ${name}`,
      weight: 2,
      stopsWrites: true,
      // Half of the old primaries are gone at once; others serve for a while.
      happen: () => server.promote(replica, () => delay(random.next() < 0.5 ? 0 : random.between(1, 2_000))),
    },
    { name: `the log of ${name} goes on to its next segment`, weight: 2, happen: () => server.switchLog() },
    {
      name: `connections to ${name}'s primary break`,
      weight: 4,
      happen: () => server.disconnect(server.primary),
    },
    { name: `connections to ${replica.name} break`, weight: 2, happen: () => server.disconnect(replica) },
    { name: `${restarted.name} starts again`, weight: 3, happen: () => restarted.restart() },
    {
      // Prices change before they are connected again: nobody tells those changes.
      name: "the readers of the outbox lose their connections",
      weight: 6,
      async happen() {
        const { catalog } = world.servers;
        for (let times = 0; times < 3; times++) {
          await catalog.disconnect(catalog.primary, OUTBOX_READER);
          await delay(random.between(0, SLOW_MS.least));
          await change();
          await delay(random.between(0, PAUSE_MS.least));
        }
      },
    },
    {
      // Fetches take longer than changes to be heard of: by the other instance, or from Redis.
      name: "answers of the catalog are slow",
      weight: 5,
      async happen() {
        const slow = random.pick([world.wires, [random.pick(world.wires)]]);
        for (const wire of slow) wire.delay(random.between(SLOW_MS.least, SLOW_MS.most));
        await delay(random.between(PAUSE_MS.least, PAUSE_MS.most));
        for (const wire of slow) wire.delay(0);
      },
    },
    {
      name: "a wire to the catalog hangs",
      weight: 2,
      async happen() {
        const wire = random.pick(world.wires);
        wire.set("silent");
        await delay(random.between(PAUSE_MS.least, PAUSE_MS.most));
        wire.set("open");
      },
    },
    { name: "a wire to the catalog breaks", weight: 3, happen: async () => random.pick(world.wires).cut() },
    ...(world.redis ? redisFaults(world.redis, terms) : []),
  ];
}
