/**
 * The cities' databases: PGlite, one instance a city, with the real migrations. They are kept from run to run and emptied, because
 * starting one takes seconds and emptying one three milliseconds.
 */
import { readFileSync } from "node:fs";
import type { PGlite } from "@electric-sql/pglite";
import { fragmentRule } from "@teranga/city/database.ts";
import { applyMigrations } from "@teranga/kit/migrate.ts";
import { openEmptyCluster } from "./empty-cluster.ts";
import { CITY_PLACEMENT, type CitySeed } from "./shop.ts";
import { type Statement, Wire } from "./wire.ts";

/** A city as the checks see it. */
export interface CityView {
  /** New ones: each is shown once. */
  facts: Fact[];
  broken: string[];
  levels: [productId: string, onHand: number, reserved: number][];
  /** What transactions of other homes hold here. */
  held: [transactionId: string, productId: string, quantity: number][];
  participations: [transactionId: string, kind: string | null, state: string][];
  /** Participants that have not acknowledged. */
  untold: [transactionId: string, cityId: string][];
  committed: number;
  cancelled: string[];
  wallets: [clientId: string, balance: number][];
}

/** Something that has happened for good, in the order in which it did. */
export type Fact = { position: number } & (
  | { kind: "COMMITTED"; id: string; detail: CommittedDetail }
  | { kind: "ABORTED"; id: string; detail: { isFence: boolean } }
  | { kind: "RESTOCKED"; id: string; detail: null }
  | { kind: "TOP_UP"; id: string; detail: { clientId: string; key: string; amount: number } }
);

export interface CommittedDetail {
  id: string;
  kind: "ORDER" | "CANCELLATION" | "TRANSFER";
  clientId: string | null;
  key: string;
  hash: string;
  order: {
    clientId: string;
    total: number;
    payment: string;
    lines: [productId: string, quantity: number, unitPrice: number][];
    allocations: [cityId: string, productId: string, quantity: number][];
  } | null;
  cancels: string | null;
  transfer: { productId: string; from: string; quantity: number } | null;
}

/** Deleted rows are in the way of every scan until they are vacuumed, which takes ten milliseconds. */
const VACUUM_EVERY = 20;
/** What a statement has answered, and the city after it; null if it wrote nothing. */
export interface Executed {
  rows: Record<string, unknown>[];
  view: CityView | null;
}

const LOOK = readFileSync(new URL("look.sql", import.meta.url), "utf8");

export class CityDatabase {
  readonly cityId: string;
  readonly #db: PGlite;
  readonly #emptying: string;
  #runs = 0;
  /** Of the last fact that was seen. */
  #position = 0;
  readonly #wire: Wire;
  readonly #look: Statement;
  /** Prepared, by their texts. */
  readonly #statements = new Map<string, Statement>();

  private constructor(cityId: string, db: PGlite, emptying: string) {
    this.cityId = cityId;
    this.#db = db;
    this.#emptying = emptying;
    this.#wire = new Wire(db);
    this.#look = this.#wire.prepare("select simulation.look($1) as view");
  }

  /** Opens the databases of some cities. Copies are made in a sixth of the time. */
  static async openAll(cityIds: readonly string[], migrations: string): Promise<CityDatabase[]> {
    const first = await openEmptyCluster();
    await applyMigrations(
      { exec: async (script) => ({ rows: (await first.exec(script)).at(-1)?.rows ?? [] }) },
      migrations,
    );
    await first.exec(LOOK);
    const copies = await Promise.all(cityIds.slice(1).map(async () => (await first.clone()) as PGlite));
    return Promise.all([first, ...copies].map((db, index) => CityDatabase.#open(cityIds[index]!, db)));
  }

  static async #open(cityId: string, db: PGlite): Promise<CityDatabase> {
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
    await db.exec(
      "set synchronous_commit = off; set track_activities = off; set track_counts = off; set jit = off",
    );
    return new CityDatabase(cityId, db, await emptyingScript(db));
  }

  /** Makes the database what it is at the beginning of a run. */
  async reset({ clients, stock }: CitySeed): Promise<CityView> {
    await this.#db.exec(this.#emptying);
    if (++this.#runs % VACUUM_EVERY === 0) await this.#db.exec("vacuum");
    this.#position = 0;
    await this.execute(
      `insert into client (id, name, email, town) select id, id, id || '@example.com', $2 from unnest($1::text[]) id`,
      [clients, this.cityId],
    );
    const { view } = await this.execute(
      `with level as (
         insert into stock (product_id, warehouse, on_hand)
         select product_id, $3, on_hand from unnest($1::text[], $2::int[]) as given (product_id, on_hand) returning *
       ) insert into stock_movement (product_id, reason, on_hand_change, reserved_change)
         select product_id, 'RESTOCKED', on_hand, 0 from level order by product_id`,
      [stock.map(([id]) => id), stock.map(([, onHand]) => onHand), this.cityId],
    );
    return view!;
  }

  /**
   * Executes a statement as one transaction, and looks at what it has made of the city. Errors have the names that the driver gives them.
   */
  async execute(text: string, parameters: unknown[]): Promise<Executed> {
    const statement = this.#statement(text);
    const [rows, looks] = this.#wire.execute([
      { statement, parameters },
      { statement: this.#look, parameters: [this.#position] },
    ]);
    return { rows: rows!, view: this.#see(looks![0]) };
  }

  /** As the driver does: planning takes longer than executing. */
  #statement(text: string): Statement {
    const known = this.#statements.get(text);
    if (known) return known;
    const statement = this.#wire.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }

  #see(row: unknown): CityView | null {
    const { view } = row as { view: CityView | null };
    if (view) this.#position = view.facts.at(-1)?.position ?? this.#position;
    return view;
  }

  close(): Promise<void> {
    return this.#db.close();
  }
}

/**
 * Deletes all rows that a run may have written: in one statement, at whose end the foreign keys are looked at. Truncating takes seven
 * times as long, and so does deleting under another session_replication_role, which makes PostgreSQL forget every plan.
 */
async function emptyingScript(db: PGlite): Promise<string> {
  const { rows } = await db.query<{ script: string }>(`
    select format('with %s select', string_agg(format('_%s as (delete from %I.%I)', number, schemaname, tablename), ', '))
      || (select string_agg(format('; select setval(%L, 1, false)', format('%I.%I', schemaname, sequencename)), '') from pg_sequences) as script
    from (
      select row_number() over () as number, schemaname, tablename from pg_tables
      where schemaname in ('public', 'simulation') and tablename not in ('schema_version', 'fragment')
    ) emptied`);
  return `begin; set local simulation.is_emptying = true; ${rows[0]!.script}; commit`;
}
