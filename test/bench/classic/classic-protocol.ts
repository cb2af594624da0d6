/**
 * Classic two-phase commit behind the same messages. A city of baseline (b) runs this instead of the
 * protocol's SQL functions.
 *
 *   prepare        takes the stock in a transaction of its own and ends it with PREPARE TRANSACTION: its
 *                  rows stay locked
 *   commitOrders   one local transaction, the protocol's own commit point
 *   decide         COMMIT PREPARED or ROLLBACK PREPARED
 *
 * The baseline gets every advantage that classic two-phase commit can have under this orchestrator. The home
 * is the last resource: it commits in one phase, and its log of decisions costs nothing extra. Participants
 * are told after the client has its answer. A participant's work is one SQL call, in one round trip with its
 * BEGIN. Only a batch is impossible, because a prepared transaction belongs to one order (see
 * classic-orders.ts).
 */
import { readFile } from "node:fs/promises";
import { type Database, openDatabase, type Sql } from "@teranga/kit/postgres/database.ts";
import type { CityClock } from "@teranga/protocol/city/city-clock.ts";
import {
  type CommitProtocol,
  type CommitReply,
  createCommitProtocol,
  type PrepareReply,
} from "@teranga/protocol/city/commit-protocol.ts";
import type { DecideMessage, OrderCommit, PrepareMessage } from "@teranga/protocol/messages.ts";
import {
  commitPrepared,
  findPrepared,
  prepareTransaction,
  rollbackPrepared,
} from "./prepared-transactions.ts";

/**
 * How long a lock may be waited for. Two cities can wait for each other's rows, and neither sees the
 * deadlock. The wait must end before the orchestrator's time-out (1.5 s), so that it can try again with a new
 * transaction. `statement_timeout` is set too, because `lock_timeout` starts again each time that another
 * transaction takes the row first.
 */
const WAIT_MS = 1_000;
/**
 * Each message has connections of its own. A commit must not queue behind prepares that wait for rows which
 * it would free, nor a decision behind either. More prepares at a time would only wake up in vain more often.
 */
const CONNECTIONS = { prepare: 32, commit: 16, decide: 10 };

/**
 * query_canceled and lock_not_available: the wait was too long. deadlock_detected and serialization_failure:
 * another transaction won.
 */
const GAVE_UP = new Set(["57014", "55P03", "40P01", "40001"]);

type DecideAnswer = Awaited<ReturnType<CommitProtocol["decide"]>>[number];

export interface ClassicProtocol extends CommitProtocol {
  /** The connections for decisions. */
  sql: Sql;
  close(): Promise<void>;
}

export async function openClassicProtocol(databaseUrl: string): Promise<ClassicProtocol> {
  const url = new URL(databaseUrl);
  for (const limit of ["statement_timeout", "lock_timeout"]) url.searchParams.set(limit, String(WAIT_MS));
  const open = (connections: number): Database =>
    openDatabase({ url: url.href, applicationName: "classic", connections });
  const pools = {
    prepare: open(CONNECTIONS.prepare),
    commit: open(CONNECTIONS.commit),
    decide: open(CONNECTIONS.decide),
  };
  const { sql } = pools.decide;
  await sql.unsafe(await readFile(new URL("prepare.sql", import.meta.url), "utf8"));
  return {
    ...createCommitProtocol(sql),
    sql,
    prepare: (requests, clock) => each(requests, (request) => prepare(pools.prepare.sql, request, clock)),
    commitOrders: (requests, clock) => each(requests, (request) => commit(pools.commit.sql, request, clock)),
    decide: (decisions, clock) => decide(sql, decisions, clock),
    async close() {
      await Promise.all(Object.values(pools).map((pool) => pool.close()));
    },
  };
}

/** Handles all entries of a message side by side, each in its own transaction. */
function each<Entry, Answer>(
  entries: readonly Entry[],
  run: (entry: Entry) => Promise<Answer>,
): Promise<Answer[]> {
  return Promise.all(entries.map(run));
}

async function prepare(sql: Sql, request: PrepareMessage, clock: CityClock): Promise<PrepareReply> {
  const { transactionId } = request;
  const connection = await sql.reserve();
  try {
    const [, rows] = await Promise.all([
      connection`begin`,
      connection<Pick<PrepareReply, "state" | "shortages">[]>`
        select state, shortages from classic_prepare(${connection.json(request as never)}, ${new Date(clock.nowMs())})`,
    ]);
    const { state, shortages } = rows[0]!;
    if (state === "PREPARED") await prepareTransaction(connection, transactionId);
    else await connection`rollback`;
    return { transactionId, state, shortages };
  } catch (error) {
    await connection`rollback`.catch(() => undefined);
    if (!gaveUp(error)) throw error;
    return { transactionId, state: "ABORTED", shortages: [] };
  } finally {
    connection.release();
  }
}

/** The fields beside the state in the answer to a commit that did not happen. */
const NOTHING_COMMITTED = {
  committedId: null,
  shortages: [],
  balance: null,
  room: null,
  participants: [],
  isNew: false,
};

/** The commit point. A commit that gives up waiting is fenced, so that it is decided when it is answered. */
async function commit(sql: Sql, request: OrderCommit, clock: CityClock): Promise<CommitReply> {
  try {
    const [answer] = await createCommitProtocol(sql).commitOrders([request], clock);
    return answer!;
  } catch (error) {
    if (!gaveUp(error)) throw error;
    const { transactionId, allocations } = request;
    await createCommitProtocol(sql).outcome([{ transactionId, cityId: allocations.at(-1)!.cityId }], clock);
    return { ...NOTHING_COMMITTED, transactionId, state: "ABORTED" };
  }
}

/**
 * Applies decisions. Most come twice: from the orchestrator, and from the home that collects
 * acknowledgements. The second one is answered from the record, because it must not wait for rows that other
 * transactions hold by then. A transaction that is neither prepared nor recorded is an ABORT before its
 * prepare, or one of our own protocol: the protocol's SQL handles both.
 */
async function decide(
  sql: Sql,
  decisions: readonly DecideMessage[],
  clock: CityClock,
): Promise<DecideAnswer[]> {
  const ids = decisions.map(({ transactionId }) => transactionId);
  // A decision that comes alone is from the orchestrator, and its transaction is prepared.
  const prepared = ids.length === 1 ? new Set(ids) : await findPrepared(sql, ids);
  const finished = new Set<string>();
  await Promise.all(
    decisions.map(async ({ transactionId, decision }) => {
      if (!prepared.has(transactionId)) return;
      const finish = decision === "COMMITTED" ? commitPrepared : rollbackPrepared;
      if ((await finish(sql, transactionId)) === "finished") finished.add(transactionId);
    }),
  );
  const done = new Set(finished);
  if (done.size < ids.length) for (const id of await findDecided(sql, decisions)) done.add(id);
  const open = decisions.filter(({ transactionId }) => !done.has(transactionId));
  const answers = await createCommitProtocol(sql).decide(open, clock);
  const byId = new Map(answers.map((answer) => [answer.transactionId, answer]));
  return ids.map(
    (transactionId) =>
      byId.get(transactionId) ?? { transactionId, state: "DONE", isNew: finished.has(transactionId) },
  );
}

/** The transactions that have already ended here as decided. */
async function findDecided(sql: Sql, decisions: readonly DecideMessage[]): Promise<string[]> {
  const wanted = new Map(decisions.map(({ transactionId, decision }) => [transactionId, decision]));
  const rows = await sql<{ id: string; state: string }[]>`
    select transaction_id as id, state from participation where transaction_id = any (${[...wanted.keys()]}::text[])`;
  return rows.filter(({ id, state }) => wanted.get(id) === state).map(({ id }) => id);
}

function gaveUp(error: unknown): boolean {
  return GAVE_UP.has(String((error as { code?: string } | null)?.code));
}
