/**
 * What clients were told is never taken back: each answer is held against the sequential model when it
 * arrives, and each commit against the answers that were given before it.
 */
import type { Answer, Result } from "./answers.ts";
import type { CommittedDetail } from "./city-mirror.ts";
import type { SequentialModel } from "./sequential-model.ts";
import { promise } from "./violation.ts";

/** A request with a key of the client's. */
export interface KeyedRequest {
  kind: CommittedDetail["kind"];
  /** No two clients use the same, but for orders. */
  key: string;
  /** Whether a commit is of this very request. */
  fits: (detail: CommittedDetail) => boolean;
  /** The order to cancel. */
  orderId?: string;
  expectedTotal?: number;
  maxSplits?: number;
  /** Who orders. */
  clientId?: string;
}

const SUCCESSES = new Set(["OrderPlaced", "OrderCancelled", "StockTransferred"]);

/** What is known of a key. */
interface KeyRecord {
  /** Calls that were made. */
  calls: number;
  /** Those of them that have not been answered. */
  open: number;
  /** A call has ended without a definite answer: it may still be under way. */
  isLoose: boolean;
  /**
   * What the client's wallet has held since the first call; calls at the same time may be answered together.
   */
  balances: () => number[];
}

/** A call under way: what was so when it began. */
export interface OpenCall {
  request: KeyedRequest;
  committedBefore: CommittedDetail | undefined;
  /** The number of the call, if no other one could commit beside it when it began. */
  aloneAs: number | null;
}

export class Promises {
  readonly #model: SequentialModel;
  readonly #records = new Map<string, KeyRecord>();
  readonly #committed = new Map<string, CommittedDetail>();

  constructor(model: SequentialModel) {
    this.#model = model;
  }

  begin(request: KeyedRequest): OpenCall {
    const name = nameOf(request);
    const record = this.#records.get(name) ?? this.#newRecord(request);
    this.#records.set(name, record);
    const isAlone = record.open === 0 && !record.isLoose;
    record.calls++;
    record.open++;
    return { request, committedBefore: this.#committed.get(name), aloneAs: isAlone ? record.calls : null };
  }

  #newRecord({ clientId }: KeyedRequest): KeyRecord {
    const balances = clientId === undefined ? () => [] : this.#model.watchWallet(clientId);
    return { calls: 0, open: 0, isLoose: false, balances };
  }

  /** @throws Violation if the answer is not true */
  end(call: OpenCall, answer: Answer): void {
    const { request } = call;
    const record = this.#records.get(nameOf(request))!;
    record.open--;
    if (answer.kind === "none") {
      if (!answer.isRefused) record.isLoose = true;
    } else if (answer.kind === "error") this.#didNothing(call, answer.code);
    else if (answer.type === "OutcomeUnknown") record.isLoose = true;
    else this.#isAnswered(call, answer.type, answer.result);
  }

  /** A commit happens. @throws Violation if every call for it has been told that it has not happened */
  committed(detail: CommittedDetail): void {
    const { id } = detail;
    this.#committed.set(nameOf(detail), detail);
    const record = this.#records.get(nameOf(detail));
    // Orders without a key have one that no client knows.
    if (record && record.open === 0 && !record.isLoose) {
      promise(false, () => `${id} was committed though its client has been refused`);
    }
  }

  #isAnswered(call: OpenCall, type: string, result: Result): void {
    const { request } = call;
    const committed = this.#committed.get(nameOf(request));
    if (SUCCESSES.has(type)) {
      const id = result.transaction?.id;
      promise(
        committed !== undefined && committed.id === id,
        () => `${type} ${id}, but it is ${committed?.id}`,
      );
      promise(request.fits(committed), () => `${type} ${id}, which is of another request`);
      checkBounds(request, committed);
    } else if (type === "IdempotencyKeyReused") {
      promise(committed !== undefined, () => `the key ${request.key} is said to be used, and is not`);
      promise(!request.fits(committed), () => `the key ${request.key} was used for this very request`);
      const { id } = committed;
      promise(result.transaction?.id === id, () => `${request.key} is ${id}, not ${result.transaction?.id}`);
    } else {
      this.#isTrue(request, type);
      if (type === "PaymentDeclined") this.#isDeclined(request, result);
      this.#isRefused(call, type);
    }
  }

  /** Whether what is said of the request and of its order is so. */
  #isTrue({ orderId = "", expectedTotal, maxSplits }: KeyedRequest, type: string): void {
    const order = this.#model.orders.get(orderId);
    const isCancelled = order !== undefined && order.cancelledBy !== null;
    promise(
      type !== "OrderAlreadyCancelled" || isCancelled,
      () => `${orderId} is said to be cancelled, and is not`,
    );
    promise(type !== "UnknownOrder" || !order, () => `${orderId} is there, and is said not to be`);
    promise(
      type !== "PriceChanged" || expectedTotal !== undefined,
      () => "PriceChanged without a price expected",
    );
    promise(
      type !== "SplitLimitExceeded" || maxSplits !== undefined,
      () => "SplitLimitExceeded without a limit",
    );
    promise(type !== "UnknownClient", () => "a client is said not to be there, and is");
  }

  #isDeclined(request: KeyedRequest, { total = 0, balance }: Result): void {
    const balances = this.#records.get(nameOf(request))!.balances();
    const isShort = balance != null && balance < total && balances.includes(balance);
    promise(
      isShort,
      () => `a wallet that held ${balances.join(", then ")} is told not to pay ${total}: ${balance}`,
    );
  }

  /** The client is told that it has not happened, by whichever call. */
  #isRefused(call: OpenCall, why: string): void {
    const { committedBefore } = call;
    promise(
      committedBefore === undefined,
      () => `${why} for ${committedBefore?.id}, which was committed before`,
    );
    this.#didNothing(call, why);
  }

  /** The client is told that this call has changed nothing, and never will. */
  #didNothing({ request, committedBefore, aloneAs }: OpenCall, why: string): void {
    if (committedBefore) return;
    const record = this.#records.get(nameOf(request))!;
    if (record.calls !== aloneAs || record.isLoose) return;
    const committed = this.#committed.get(nameOf(request));
    promise(committed === undefined, () => `${why} for ${committed?.id}, which is committed`);
  }
}

/** What the client has asked of the order beside its lines. */
function checkBounds({ expectedTotal, maxSplits }: KeyedRequest, { id, order }: CommittedDetail): void {
  if (!order) return;
  if (expectedTotal !== undefined) {
    promise(order.total === expectedTotal, () => `${id} costs ${order.total}, not ${expectedTotal}`);
  }
  if (maxSplits !== undefined) {
    const givers = new Set(order.allocations.map(([cityId]) => cityId));
    promise(givers.size <= maxSplits, () => `${id} is of ${givers.size} cities, more than ${maxSplits}`);
  }
}

/** Two clients may have the same key for orders. */
function nameOf({
  kind,
  key,
  clientId,
}: Pick<CommittedDetail, "kind" | "key"> & { clientId?: string | null }): string {
  return `${kind} ${kind === "ORDER" ? clientId : "-"} ${key}`;
}
