/**
 * What a city answers to a message of the protocol is so, and stays so: who has said no never says yes, and
 * what is said to be prepared, decided or committed is there. An answer counts when it is made, whether
 * anybody hears it or not.
 */
import type { CityMirror, CommittedDetail } from "./city-mirror.ts";
import type { SequentialModel } from "./sequential-model.ts";
import { promise } from "./violation.ts";

/** A message of a batch; each kind has some of the fields. */
export interface Message {
  transactionId: string;
  kind?: string;
  decision?: string;
  lines?: Line[];
  clientId?: string;
  idempotencyKey?: string;
  requestHash?: string;
  orderId?: string;
  /** Who asks for an outcome. */
  cityId?: string;
}

export interface MessageAnswer {
  state: string;
  committedId?: string | null;
  lines?: Line[];
}

interface Line {
  productId: string;
  quantity: number;
}

/** Answers that say nothing. */
const NOTHING = new Set(["VIOLATION", "FAILED"]);

export class MessagePromises {
  readonly #model: SequentialModel;
  readonly #cityOf: (cityId: string) => CityMirror;
  /** What will never be committed, by its home's word. */
  readonly #given = new Set<string>();
  /** What cities will never set aside, by their word: `city id`. */
  readonly #released = new Set<string>();

  constructor(model: SequentialModel, cityOf: (cityId: string) => CityMirror) {
    this.#model = model;
    this.#cityOf = cityOf;
  }

  /** @throws Violation if the answer is not true */
  answered(operation: string, cityId: string, message: Message, answer: MessageAnswer): void {
    if (NOTHING.has(answer.state)) return;
    switch (operation) {
      case "TransactionPrepare":
        this.#isPrepared(cityId, message, answer.state);
        break;
      case "TransactionDecide":
      case "RecoveryDecide":
        this.#isDecided(cityId, message);
        break;
      case "OrderCommit":
      case "CancellationCommit":
      case "TransferCommit":
        this.#isCommitted(message, answer);
        break;
      case "TransactionOutcome":
      case "RecoveryOutcome":
        this.#isOutcome(message, answer);
        break;
      default:
    }
  }

  /** A transaction is committed. @throws Violation if its home has said that it never will be */
  committed({ id }: CommittedDetail): void {
    promise(!this.#given.has(id), () => `${id} is committed, and its home had said that it never will be`);
  }

  /** A city has been written to. @throws Violation if it has set aside what it said it would not */
  written(cityId: string): void {
    for (const [id, { state }] of this.#cityOf(cityId).participations) {
      if (state !== "ABORTED" && this.#released.has(`${cityId} ${id}`))
        promise(false, () => `${cityId} has ${id} as ${state}, and had said that it holds nothing for it`);
    }
  }

  #isPrepared(cityId: string, { transactionId: id, kind, lines = [] }: Message, state: string): void {
    if (state !== "PREPARED") {
      this.#isReleased(cityId, id);
      return;
    }
    const { participations, pruned } = this.#cityOf(cityId);
    const held = participations.get(id);
    // An answer can come late: what it tells of is over and was pruned (seeds 100248 and 105011).
    if (!held || pruned.has(id)) return;
    const [asked, given] = [
      textOf(lines),
      textOf(held.lines.map(([productId, quantity]) => ({ productId, quantity }))),
    ];
    promise(asked === given, () => `${cityId} was asked for ${asked} by ${id}, and has set aside ${given}`);
    promise(held.kind === kind, () => `${cityId} takes the ${kind} ${id} for a ${held.kind}`);
  }

  #isReleased(cityId: string, id: string): void {
    const state = this.#cityOf(cityId).participations.get(id)?.state ?? "ABORTED";
    promise(
      state === "ABORTED",
      () => `${cityId} says that it holds nothing for ${id}, and has it as ${state}`,
    );
    this.#released.add(`${cityId} ${id}`);
  }

  #isDecided(cityId: string, { transactionId: id, decision }: Message): void {
    if (decision === "ABORTED") {
      this.#isReleased(cityId, id);
      return;
    }
    const state = this.#cityOf(cityId).participations.get(id)?.state;
    promise(state === "COMMITTED", () => `${cityId} says that it has applied ${id}, and has it as ${state}`);
  }

  #isCommitted({ transactionId: id, ...message }: Message, { state, committedId }: MessageAnswer): void {
    if (state === "COMMITTED") {
      promise(this.#model.committed.has(id), () => `${id} is said to be committed, and is not`);
      return;
    }
    this.#isGiven(id, state);
    if (!["REPLAYED", "KEY_REUSED", "ALREADY_CANCELLED"].includes(state)) return;
    const other = this.#model.committed.get(committedId ?? "");
    promise(other !== undefined, () => `${state} for ${id} names ${committedId}, which is not committed`);
    if (state === "ALREADY_CANCELLED") {
      promise(other.cancels === message.orderId, () => `${id}: ${committedId} cancels ${other.cancels}`);
      return;
    }
    const isOwn = message.clientId === undefined || message.clientId === other.clientId;
    const isOfKey = other.key === message.idempotencyKey && isOwn;
    promise(isOfKey, () => `${state} for ${id} names ${committedId}, of another key`);
    const isSame = other.hash === message.requestHash;
    promise(
      isSame === (state === "REPLAYED"),
      () => `${state} for ${id} names ${committedId}, of hash ${other.hash}`,
    );
  }

  #isOutcome({ transactionId: id, cityId }: Message, { state, lines }: MessageAnswer): void {
    if (state === "ABORTED") {
      this.#isGiven(id, state);
      return;
    }
    const detail = this.#model.committed.get(id);
    promise(detail !== undefined, () => `${id} is said to be committed, and is not`);
    if (!lines || !cityId || id.startsWith(`${cityId}:`)) return;
    const [told, due] = [textOf(lines), textOf(this.#linesOf(detail, cityId))];
    promise(told === due, () => `${cityId} is told that ${id} takes ${told}, and it takes ${due}`);
  }

  /** What a transaction takes from a city, or brings back to it. */
  #linesOf({ order, cancels, transfer }: CommittedDetail, cityId: string): Line[] {
    if (transfer) return [{ productId: transfer.productId, quantity: transfer.quantity }];
    const placed = order ?? this.#model.orders.get(cancels!)!.detail.order!;
    const own = placed.allocations.filter(([giver]) => giver === cityId);
    return own.map(([, productId, quantity]) => ({ productId, quantity }));
  }

  #isGiven(id: string, state: string): void {
    promise(!this.#model.committed.has(id), () => `${id} is committed, and its home says ${state}`);
    this.#given.add(id);
  }
}

function textOf(lines: readonly Line[]): string {
  return lines
    .map(({ productId, quantity }) => `${quantity} of ${productId}`)
    .sort()
    .join(", ");
}
