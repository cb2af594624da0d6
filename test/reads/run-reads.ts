/** One run: clients that read and write, faults, and what the checker found. */
import { setTimeout as delay } from "node:timers/promises";
import { createRandom, type Random } from "../harness/random.ts";
import { ByHand, takeTurns } from "./by-hand.ts";
import { ShopClient, type Workload } from "./client.ts";
import type { Fault } from "./fault.ts";
import { hurt } from "./faults.ts";
import type { Violation } from "./read-promises.ts";
import { checkLeases, Rest } from "./rest.ts";
import type { Shop } from "./shop.ts";
import type { ReadsWorld } from "./world.ts";

export interface RunOptions {
  seed: string;
  /** The run ends after so many checked versions, or at the first violation if `stopsAtViolation`. */
  reads: number;
  clients: number;
  stopsAtViolation?: boolean;
  say: (line: string) => void;
}

export interface RunReport {
  violations: readonly Violation[];
  reads: number;
  faults: number;
  /** How often each kind of call came to what. */
  counts: ReadonlyMap<string, number>;
  seconds: number;
}

/** Each client waits so long at most between two calls. */
const REST_MS = 5;

/** Clients read and write until so many versions are checked, while the world is hurt. */
export async function runReads({ work, world, counts }: Shop, options: RunOptions): Promise<RunReport> {
  const startedMs = performance.now();
  const faults = await drive(work, world, options);
  const seconds = (performance.now() - startedMs) / 1_000;
  return { violations: work.promises.violations, reads: work.promises.reads, faults, counts, seconds };
}

async function drive(work: Workload, world: ReadsWorld, options: RunOptions): Promise<number> {
  const { seed, reads, clients, stopsAtViolation = false, say } = options;
  const random = createRandom(seed);
  const end = new AbortController();
  const { promises } = work;
  const isOver = () =>
    end.signal.aborted || promises.reads >= reads || (stopsAtViolation && promises.violations.length > 0);
  const rest = new Rest();
  const more = restsOf(rest, work, world);
  const byHand = new ByHand(work, world.servers.catalog);
  const raising = byHand.raiseUntil(isOver, random.fork("by hand"));
  const sayWithReads = (line: string) => {
    const { length } = promises.violations;
    say(
      `${String(promises.reads).padStart(7)} reads  ${length === 0 ? "" : `${length} broken promises  `}${line}`,
    );
  };
  const change = () => byHand.raiseAll();
  const terms = { world, random: random.fork("faults"), delay, more, change, say: sayWithReads };
  const faults = hurt(terms, end.signal);
  const turns = takeTurns(isOver, work, random.fork("turns"));
  const acting = Array.from({ length: clients }, (_, index) =>
    actUntil(isOver, { work, rest }, random.fork(`client ${index}`), index),
  );
  // A fault that could not be mended ends the run.
  const [happened] = await Promise.all([
    faults.finally(() => end.abort()),
    Promise.all([...acting, raising, turns]).finally(() => end.abort()),
  ]);
  await byHand.close();
  return happened;
}

function restsOf(rest: Rest, { promises, count }: Workload, { redis, gateways }: ReadsWorld): Fault[] {
  if (!redis) return [];
  const happen = async () => {
    const isKnown = await checkLeases(rest, promises, { redis, gateways });
    count(isKnown ? "rest" : "rest that says nothing: Redis was away");
  };
  return [{ name: "everybody rests", weight: 8, happen }];
}

async function actUntil(
  isOver: () => boolean,
  { work, rest }: { work: Workload; rest: Rest },
  random: Random,
  index: number,
): Promise<void> {
  // One in four has no token.
  const client = new ShopClient(work, {
    random,
    hasToken: index % 4 !== 3,
    writeShare: 0.08,
    name: `c${index}`,
  });
  while (!isOver()) {
    await rest.act(() => client.act());
    await delay(random.next() * REST_MS);
  }
}
