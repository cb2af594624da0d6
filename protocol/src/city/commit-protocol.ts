/** What the messages of the commit protocol call in a city's database. */
import { retryLostTransaction, type Sql } from "@teranga/kit/postgres/database.ts";
import type {
  CancellationCommit,
  CommitAnswer,
  DecideAnswer,
  DecideMessage,
  OrderCommit,
  OutcomeAnswer,
  OutcomeMessage,
  PrepareAnswer,
  PrepareMessage,
  ProductQuantity,
  StockShortage,
  TransferCommit,
} from "../messages.ts";
import type { CityClock } from "./city-clock.ts";

/** Each call takes a batch and answers in its order. Only the benchmarks have another protocol here. */
export interface CommitProtocol {
  prepare(messages: readonly PrepareMessage[], clock: CityClock): Promise<PrepareReply[]>;
  commitOrders(messages: readonly OrderCommit[], clock: CityClock): Promise<CommitReply[]>;
  commitCancellations(messages: readonly CancellationCommit[], clock: CityClock): Promise<CommitReply[]>;
  /** @param warehouse where a product goes that this city has never had */
  commitTransfers(
    messages: readonly TransferCommit[],
    warehouse: string,
    clock: CityClock,
  ): Promise<CommitReply[]>;
  decide(messages: readonly DecideMessage[], clock: CityClock): Promise<DecideReply[]>;
  /** Fences the undecided transactions. */
  outcome(messages: readonly OutcomeMessage[], clock: CityClock): Promise<OutcomeReply[]>;
}

/** An answer as it leaves the city. FAILED: the database did not accept the entry, and nothing changed. */
export interface Reply<State extends string = string> {
  transactionId: string;
  state: State | "FAILED";
  /** Whether this call has written or applied the decision; false if an earlier one did. */
  isNew?: boolean;
}

export interface PrepareReply extends Reply<PrepareAnswer["state"]> {
  shortages: StockShortage[];
}

/** It has the fields of all three commit messages. */
export interface CommitReply extends Reply<CommitAnswer["state"]> {
  /**
   * The transaction that has happened: this one, an earlier one with the same key, or
   * the one that cancelled the order.
   */
  committedId: string | null;
  shortages: StockShortage[];
  /** The balance of the client's wallet, if it is too low for the order. */
  balance: number | null;
  /** The number of pieces that there is still room for, if the transfer brings more. */
  room: number | null;
  /** For a committed cancellation: what each participant gets back. */
  participants: { cityId: string; lines: ProductQuantity[] }[];
}

export type DecideReply = Reply<DecideAnswer["state"]>;

export interface OutcomeReply extends Reply<OutcomeAnswer["state"]> {
  lines: ProductQuantity[];
}

interface CommitRow {
  transactionId: string;
  answer: Partial<CommitReply> & Pick<CommitReply, "state">;
}

/**
 * The bounds of a lease. With a shorter lease this city would ask, and so fence, while the orchestrator is
 * still on its way to the commit point. With a longer one, an orchestrator that died could keep stock set
 * aside for as long as it pleased.
 */
const LEASE_MIN_MS = 1_000;
const LEASE_MAX_MS = 60_000;
/**
 * How long the home leaves it to the orchestrator to tell the participants. The orchestrator's message takes
 * a few milliseconds. So the home's own message nearly always finds the decision applied and only brings back
 * the acknowledgement, for many orders in one batch.
 */
const TELL_GRACE = "2 seconds";

export function createCommitProtocol(sql: Sql): CommitProtocol {
  /** Runs a batch again if it lost against another transaction. A batch without messages costs nothing. */
  const run = <Row>(messages: readonly unknown[], statement: () => Promise<Row[]>): Promise<Row[]> =>
    messages.length === 0 ? Promise.resolve([]) : retryLostTransaction(sql, statement);
  const commit = async (
    messages: readonly { transactionId: string }[],
    statement: () => Promise<CommitRow[]>,
  ): Promise<CommitReply[]> => inOrder(messages, (await run(messages, statement)).map(replyOf));

  return {
    async prepare(messages, clock) {
      // This city adds the lease to its database's time, so no two clocks are compared.
      const entries = messages.map((message) => ({
        ...message,
        leaseMs: Math.min(Math.max(message.leaseMs, LEASE_MIN_MS), LEASE_MAX_MS),
      }));
      const replies = await run(
        messages,
        () => sql<PrepareReply[]>`
          select transaction_id as "transactionId", state, shortages from prepare_transactions((
            select jsonb_agg(e || jsonb_build_object(
              'deadline', ${clock.now(sql)} + (e ->> 'leaseMs')::integer * interval '1 millisecond'
            )) from jsonb_array_elements(${sql.json(entries as never)}) e
          ), ${clock.now(sql)})`,
      );
      return inOrder(messages, replies);
    },
    commitOrders: (messages, clock) =>
      commit(
        messages,
        () => sql<CommitRow[]>`
          select transaction_id as "transactionId", answer
          from commit_orders(${sql.json(messages as never)}, ${clock.now(sql)}, ${clock.now(sql)} + ${TELL_GRACE}::interval)`,
      ),
    commitCancellations: (messages, clock) =>
      commit(
        messages,
        () => sql<CommitRow[]>`
          select transaction_id as "transactionId", answer
          from commit_cancellations(${sql.json(messages as never)}, ${clock.now(sql)}, ${clock.now(sql)} + ${TELL_GRACE}::interval)`,
      ),
    commitTransfers: (messages, warehouse, clock) =>
      commit(
        messages,
        () => sql<CommitRow[]>`
          select transaction_id as "transactionId", answer
          from commit_transfers(${sql.json(messages as never)}, ${warehouse}, ${clock.now(sql)}, ${clock.now(sql)} + ${TELL_GRACE}::interval)`,
      ),
    decide: (messages, clock) =>
      run(
        messages,
        () => sql<DecideReply[]>`
          select transaction_id as "transactionId", state, is_new as "isNew"
          from decide_transactions(${sql.json(messages as never)}, ${clock.now(sql)})`,
      ),
    outcome: (messages, clock) =>
      run(
        messages,
        () => sql<OutcomeReply[]>`
          select transaction_id as "transactionId", state, lines, is_new as "isNew"
          from transaction_outcomes(${sql.json(messages as never)}, ${clock.now(sql)})`,
      ),
  };
}

/** The functions of prepare and commit answer in the order of their locks. */
function inOrder<Answer extends { transactionId: string }>(
  messages: readonly { transactionId: string }[],
  replies: readonly Answer[],
): Answer[] {
  const byId = new Map(replies.map((reply) => [reply.transactionId, reply]));
  return messages.map(({ transactionId }) => byId.get(transactionId)!);
}

function replyOf({ transactionId, answer }: CommitRow): CommitReply {
  const { state, committedId, shortages, balance, room, participants, isNew } = answer;
  return {
    transactionId,
    state,
    committedId: committedId ?? null,
    shortages: shortages ?? [],
    balance: balance ?? null,
    room: room ?? null,
    participants: participants ?? [],
    isNew: isNew ?? false,
  };
}
