/**
 * Rounds: a client writes and reads that through another gateway with its token, a number of times, while
 * one thing is broken all the while. Clients without a token read beside them.
 */
import { setTimeout as delay } from "node:timers/promises";
import { createRandom, type Random } from "../harness/random.ts";
import { mayWrite, ShopClient } from "./client.ts";
import type { Violation } from "./read-promises.ts";
import { nameOf, type Register } from "./registers.ts";
import type { Shop } from "./shop.ts";
import type { ReadsWorld } from "./world.ts";

export interface Scenario {
  name: string;
  /** What a round is; a write first, by default. */
  readsOnly?: boolean;
  /** Writes fail for a while, and reads may. Otherwise no read fails. */
  mayFail?: boolean;
  needsRedis?: boolean;
  /** Hurts until it is over. Leaves the world as it was. */
  hurt: (world: ReadsWorld, random: Random, isOver: () => boolean) => Promise<void>;
}

const LOOK_EVERY_MS = 20;
const BROKEN_MS = { least: 50, most: 1_500 };

export const SCENARIOS: readonly Scenario[] = [
  { name: "nothing is broken", hurt: async () => {} },
  {
    name: "no replica replays",
    async hurt({ servers }, _, isOver) {
      const all = Object.values(servers).flatMap((server) =>
        server.replicas.map((replica) => ({ server, replica })),
      );
      for (const { server, replica } of all) await server.pause(replica);
      while (!isOver()) await delay(LOOK_EVERY_MS);
      for (const { server, replica } of all) await server.resume(replica);
    },
  },
  {
    name: "replicas die and come back",
    readsOnly: true,
    async hurt({ servers }, random, isOver) {
      do {
        const server = random.pick(Object.values(servers));
        await server.crash(random.pick(server.replicas));
        await delay(random.between(BROKEN_MS.least, BROKEN_MS.most));
      } while (!isOver());
    },
  },
  {
    name: "Redis stops and starts",
    needsRedis: true,
    async hurt({ redis }, random, isOver) {
      do {
        const server = await redis!.primary();
        await server.kill();
        await delay(random.between(BROKEN_MS.least, BROKEN_MS.most));
        await server.restart();
        await redis!.settled();
        await delay(random.between(BROKEN_MS.least, BROKEN_MS.most));
      } while (!isOver());
    },
  },
  {
    name: "another becomes the primary",
    mayFail: true,
    async hurt({ servers: { catalog } }, random, isOver) {
      do await catalog.promote(random.pick(catalog.replicas), async () => {});
      while (!isOver());
    },
  },
];

export interface RoundsReport {
  scenario: string;
  rounds: number;
  failedReads: number;
  /** How often a read or a write failed, by what it came to. Rounds whose write failed do not count. */
  failures: ReadonlyMap<string, number>;
  violations: readonly Violation[];
  seconds: number;
}

const CLIENTS = 8;
const CLIENTS_WITHOUT_TOKEN = 2;
const RETRY_MS = 20;

export async function runRounds(
  { world, work, counts }: Shop,
  { name, readsOnly = false, hurt }: Scenario,
  { rounds, seed }: { rounds: number; seed: string },
): Promise<RoundsReport> {
  const startedMs = performance.now();
  const random = createRandom(`${seed} ${name}`);
  const before = { counts: new Map(counts), violations: work.promises.violations.length };
  const done = { rounds: 0 };
  const failed = new AbortController();
  const isOver = () => done.rounds >= rounds || failed.signal.aborted;
  const writeAndRead = async (client: ShopClient, own: Random, registers: readonly Register[]) => {
    const writable = registers.filter((register) => mayWrite(work, nameOf(register)));
    if (writable.length > 0 && (await client.round(own.pick(writable)))) done.rounds++;
    else await delay(RETRY_MS);
  };
  const act = async (index: number, hasToken: boolean) => {
    const own = random.fork(`client ${index}`);
    const client = new ShopClient(work, {
      random: own,
      hasToken,
      writeShare: 0,
      name: `${name} ${index}`,
    });
    const registers = registersOf(work.registers, index);
    while (!isOver()) {
      if (!hasToken) await client.read();
      else if (readsOnly) {
        await client.read();
        done.rounds++;
      } else await writeAndRead(client, own, registers);
    }
  };
  const all = Array.from({ length: CLIENTS + CLIENTS_WITHOUT_TOKEN }, (_, index) =>
    act(index, index < CLIENTS),
  );
  // What could not be mended ends the run, and clients must not go on while it is closed.
  const hurting = hurt(world, random.fork("hurt"), isOver).catch((error) => {
    failed.abort();
    throw error;
  });
  await Promise.all([hurting, ...all]);
  const failures = failuresSince(before.counts, counts);
  return {
    scenario: name,
    ...done,
    failedReads: [...failures].reduce(
      (sum, [what, times]) => (what.startsWith("read") ? sum + times : sum),
      0,
    ),
    failures,
    violations: work.promises.violations.slice(before.violations),
    seconds: (performance.now() - startedMs) / 1_000,
  };
}

/** Prices that only this client writes, so that it must read what it wrote and nothing else. */
function registersOf(registers: readonly Register[], client: number): readonly Register[] {
  return registers.filter(({ kind }, index) => kind === "price" && index % CLIENTS === client % CLIENTS);
}

function failuresSince(before: ReadonlyMap<string, number>, counts: ReadonlyMap<string, number>) {
  const added = [...counts].map(([what, times]) => [what, times - (before.get(what) ?? 0)] as const);
  return new Map(added.filter(([what, times]) => what.includes("failed") && times > 0));
}
