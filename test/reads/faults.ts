/** Faults that may make a read old, drawn at random; each ends before the next begins. */
import type { Random } from "../harness/random.ts";
import type { Member, ReplicatedServer } from "./replicated-server.ts";
import type { ReadsWorld } from "./world.ts";

export interface FaultTerms {
  world: ReadsWorld;
  random: Random;
  delay: (ms: number) => Promise<void>;
  /** Further faults, such as those of Redis. */
  more: readonly Fault[];
  say: (line: string) => void;
}

export interface Fault {
  name: string;
  weight: number;
  happen: () => Promise<void>;
}

const PAUSE_MS = { least: 200, most: 2_500 };
const BETWEEN_MS = { least: 100, most: 1_000 };

/** Hurts the world until the signal. Rejects if it could not be mended. */
export async function hurt(terms: FaultTerms, signal: AbortSignal): Promise<number> {
  const { random, delay, more, say } = terms;
  let faults = 0;
  while (!signal.aborted) {
    await delay(random.between(BETWEEN_MS.least, BETWEEN_MS.most));
    if (signal.aborted) break;
    const all = [...faultsOf(terms), ...more];
    const { name, happen } = random.pickWeighted(all.map((item) => ({ weight: item.weight, item })));
    say(name);
    await happen();
    faults++;
  }
  return faults;
}

function faultsOf({ world, random, delay }: FaultTerms): Fault[] {
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
      // Half of the old primaries are gone at once; others serve for a while.
      happen: () => server.promote(replica, () => delay(random.next() < 0.5 ? 0 : random.between(1, 2_000))),
    },
    { name: `the log of ${name} goes on to its next segment`, weight: 2, happen: () => server.switchLog() },
    {
      name: `connections to ${name}'s primary break`,
      weight: 3,
      happen: () => server.disconnect(server.primary),
    },
    { name: `connections to ${replica.name} break`, weight: 2, happen: () => server.disconnect(replica) },
    { name: `${restarted.name} starts again`, weight: 3, happen: () => restarted.restart() },
  ];
}
