/**
 * The way from a city's service to its database. A statement arrives in one event, where it is executed and
 * is durable, and its answer comes in a later one: in between the service may die, or the connection break,
 * and then nobody knows what has happened.
 */
import type { Random } from "../harness/random.ts";
import type { CityDatabase } from "./databases.ts";
import type { Life } from "./processes.ts";
import type { ExecuteStatement } from "./sql-adapter.ts";
import type { Faults } from "./swarm.ts";
import { promise } from "./violation.ts";
import type { Watch } from "./watch.ts";

export interface DatabaseAccessOptions {
  database: CityDatabase;
  watch: Watch;
  random: Random;
  /** The faults of now: they end when the world is healed. */
  faults: () => Faults;
  /** Whether the database is away now. */
  isAway: () => boolean;
}

const STATEMENT_MS = 1;
/** Within the service's statement timeout of 5 s. */
const SLOW_MS = 4_000;
/** Errors by which PostgreSQL or the driver end a statement that has not happened. */
const LOST = ["40001", "40P01", "57P01", "CONNECTION_CLOSED"];

export function openAccess(options: DatabaseAccessOptions, life: Life): ExecuteStatement {
  const { database, watch, random, faults, isAway } = options;
  const { world } = life.process;
  const happens = (chance: number) => chance > 0 && random.next() < chance;
  const transitMs = () => random.next() * (happens(faults().statementSlow) ? SLOW_MS : STATEMENT_MS);

  return (text, parameters) =>
    new Promise((resolve, reject) => {
      const answer = (settle: () => void) => world.schedule(transitMs(), () => life.resume(settle));
      const fail = (code: string) => {
        world.note(database.cityId, `its database answers ${code}`);
        answer(() => reject(Object.assign(new Error(`simulated: ${code}`), { code })));
      };
      world.schedule(transitMs(), async () => {
        // What a process has sent before its death may still arrive.
        if (life.isOver && happens(0.5)) return;
        if (isAway()) return fail("ECONNREFUSED");
        if (happens(faults().statementLost)) return fail(random.pick(LOST));
        try {
          const { rows, facts } = await database.execute(text, parameters);
          if (facts) watch.see(database, facts);
          if (happens(faults().statementAnswerLost)) fail("CONNECTION_CLOSED");
          else answer(() => resolve(/\breturning\b/.test(text) ? shuffled(rows, random) : rows));
        } catch (error) {
          const { code } = error as { code?: string };
          if (code === undefined) throw error;
          const isAlone = !code.startsWith("40");
          promise(isAlone, () => `${database.cityId} wants to run again what runs alone: ${error}`);
          answer(() => reject(error));
        }
      });
    });
}

/**
 * PostgreSQL may return the rows of an UPDATE in any order, so here they come in any order, which follows
 * from the seed.
 */
function shuffled<Row>(rows: readonly Row[], random: Random): Row[] {
  const sorted = rows
    .map((row) => ({ row, text: JSON.stringify(row) }))
    .sort((a, b) => (a.text < b.text ? -1 : 1));
  const left = sorted.map(({ row }) => row);
  return sorted.map(() => left.splice(random.between(0, left.length - 1), 1)[0]!);
}
