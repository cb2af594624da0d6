/**
 * The cities' databases: PGlite, one instance a city, with the real SQL files. They are kept from run to run
 * and emptied, because starting one takes seconds and emptying one three milliseconds.
 */
import { readFileSync } from "node:fs";
import type { PGlite } from "@electric-sql/pglite";
import { fragmentRule } from "@teranga/city/fragment-rule.ts";
import type { DatabaseFiles } from "@teranga/kit/postgres/migrate.ts";
import type { Sql } from "@teranga/kit/postgres/sql.ts";
import { CITY_FILES } from "@teranga/protocol/city/sql-files.ts";
import { openClusters } from "../../kit/test/kept-cluster.ts";
import { countBranches, counterOf } from "./branches.ts";
import { CityMirror, type Fact, type Written } from "./city-mirror.ts";
import { CITY_PLACEMENT, type CitySeed } from "./shop.ts";
import { createSql } from "./sql-adapter.ts";
import { type Row, type Statement, Wire } from "./wire.ts";

/** Deleted rows are in the way of every scan until they are vacuumed, which takes ten milliseconds. */
const VACUUM_EVERY = 8;

/** What a statement has answered, and what has happened by it; null if it wrote nothing. */
export interface Executed {
  rows: Row[];
  facts: Fact[] | null;
}

/** Most statements only read: for them a call is saved. */
const WRITTEN = `
  select case when pg_current_xact_id_if_assigned() is not null then simulation.written(false) end as written`;
const LOOK = readFileSync(new URL("look.sql", import.meta.url), "utf8");

/** A parameter that stands for the database's time when the statement is executed. */
export const DATABASE_TIME = new Date(0);

export class CityDatabase {
  readonly cityId: string;
  /** For checks: without faults and between two events. */
  readonly sql: Sql;
  readonly #db: PGlite;
  readonly #emptying: string;
  /** The time by its clock, which may be wrong. */
  nowMs: () => number = Date.now;
  #runs = 0;
  /** The branches of its SQL functions, and how often each was taken until the last look. */
  readonly #branches: readonly string[];
  #taken: readonly number[] = [];
  #mirror = new CityMirror();
  readonly #wire: Wire;
  readonly #written: Statement;
  /** Prepared, by their texts. */
  readonly #statements = new Map<string, Statement>();

  private constructor(cityId: string, db: PGlite, branches: readonly string[], emptying: string) {
    this.cityId = cityId;
    this.#branches = branches;
    this.sql = createSql(async (text, parameters) => (await this.execute(text, parameters)).rows);
    this.#db = db;
    this.#emptying = emptying;
    this.#wire = new Wire(db);
    this.#written = this.#wire.prepare(WRITTEN);
  }

  /** Opens the databases of some cities. */
  static async openAll(cityIds: readonly string[], files: DatabaseFiles): Promise<CityDatabase[]> {
    const { script, names } = countBranches(files.functions!);
    const clusters = await openClusters(cityIds.length, {
      files,
      extra: script + LOOK,
      keptAs: files === CITY_FILES ? "simulated-city" : undefined,
    });
    return Promise.all(clusters.map((db, index) => CityDatabase.#open(cityIds[index]!, db, names)));
  }

  static async #open(cityId: string, db: PGlite, branches: readonly string[]): Promise<CityDatabase> {
    const { isDefault, ownTowns, otherTowns } = fragmentRule(cityId, CITY_PLACEMENT);
    await db.query("select set_fragment($1, $2, $3::text[], $4::text[])", [
      cityId,
      isDefault,
      ownTowns,
      otherTowns,
    ]);
    // Plans must follow from the run alone, not from how often a statement was executed in runs before it.
    await db.exec("set plan_cache_mode = force_generic_plan");
    // What nobody looks at, and no power fails: a third of a short statement's time.
    await db.exec("set synchronous_commit = off; set track_activities = off; set jit = off");
    const database = new CityDatabase(cityId, db, branches, await emptyingScript(db));
    await database.takeBranches();
    return database;
  }

  /** Makes the database what it is at the beginning of a run. */
  async reset({ clients, stock }: CitySeed): Promise<Fact[]> {
    await this.#db.exec(this.#emptying);
    if (++this.#runs % VACUUM_EVERY === 0) await this.#db.exec("vacuum");
    this.#mirror = new CityMirror();
    await this.execute(
      `insert into client (id, name, email, town) select id, id, id || '@example.com', $2 from unnest($1::text[]) id`,
      [clients, this.cityId],
    );
    const { facts } = await this.execute(
      `with level as (
         insert into stock (product_id, warehouse, on_hand)
         select product_id, $3, on_hand from unnest($1::text[], $2::int[]) as given (product_id, on_hand) returning *
       ) insert into stock_movement (product_id, reason, on_hand_change, reserved_change)
         select product_id, 'RESTOCKED', on_hand, 0 from level order by product_id`,
      [stock.map(([id]) => id), stock.map(([, onHand]) => onHand), this.cityId],
    );
    return facts!;
  }

  /**
   * Executes a statement as one transaction, and looks at what it has written. Errors have the names that the
   * driver gives them.
   */
  async execute(text: string, parameters: unknown[]): Promise<Executed> {
    const statement = this.#statement(text);
    const now = new Date(this.nowMs());
    const [rows, [look]] = this.#wire.execute([
      { statement, parameters: parameters.map((value) => (value === DATABASE_TIME ? now : value)) },
      { statement: this.#written, parameters: [] },
    ]) as [Row[], [{ written: Written | null }]];
    return { rows, facts: look.written && this.#mirror.apply(look.written) };
  }

  /** How often each branch of the SQL functions was taken since the last call. */
  async takeBranches(): Promise<Map<string, number>> {
    // Of a sequence that was never used the last value is 1, too.
    const counters = this.#branches.map(
      (_, index) => `(select last_value - 1 + is_called::int from ${counterOf(index)})`,
    );
    const { rows } = await this.#db.query<{ counts: number[] }>(`select array[${counters}]::int[] as counts`);
    const before = this.#taken;
    const { counts } = rows[0]!;
    this.#taken = counts;
    const taken = this.#branches.map((name, index) => [name, counts[index]! - (before[index] ?? 0)] as const);
    return new Map(taken.filter(([, count]) => count > 0));
  }

  /** Compares the copy with the tables themselves. Returns the names of those that differ. */
  async unlikeMirror(): Promise<string[]> {
    const { rows } = await this.#db.query<{ written: Written }>("select simulation.written(true) as written");
    const read = new CityMirror();
    read.apply({ ...rows[0]!.written, facts: null });
    return this.#mirror.unlike(read);
  }

  /** As the driver does: planning takes longer than executing. */
  #statement(text: string): Statement {
    const known = this.#statements.get(text);
    if (known) return known;
    const statement = this.#wire.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }

  /** The city as it is now, and until the next reset. */
  get mirror(): CityMirror {
    return this.#mirror;
  }

  close(): Promise<void> {
    return this.#db.close();
  }
}

/**
 * Deletes all rows that a run may have written: in one statement, at whose end the foreign keys are looked
 * at. Truncating takes seven times as long, and so does deleting under another session_replication_role,
 * which makes PostgreSQL forget every plan.
 */
async function emptyingScript(db: PGlite): Promise<string> {
  const { rows } = await db.query<{ script: string }>(`
    select format('with %s select', string_agg(format('_%s as (delete from %I.%I)', number, schemaname, tablename), ', '))
      || (select string_agg(format('; select setval(%L, 1, false)', format('%I.%I', schemaname, sequencename)), '') from pg_sequences where schemaname <> 'branch') as script
    from (
      select row_number() over () as number, schemaname, tablename from pg_tables
      where schemaname in ('public', 'simulation') and tablename not in ('schema_version', 'function_file', 'function_of_file', 'fragment')
    ) emptied`);
  return `begin; set local simulation.is_emptying = true; ${rows[0]!.script}; commit`;
}
