/** What the model cities decide as homes: commit points, fences, wallets. */
import type {
  CancellationCommit,
  CommitAnswer,
  CommitMessage,
  OrderCommit,
  OutcomeAnswer,
  ProductQuantity,
  TransactionKind,
  TransferCommit,
} from "@teranga/protocol/messages.ts";
import type { ModelStock } from "./model-stock.ts";

export interface Decision {
  answer: CommitAnswer;
  /** Null for a fence. */
  message: CommitMessage | null;
}

/** What a participant gives, or gets back. */
export interface Part {
  cityId: string;
  lines: readonly ProductQuantity[];
}

export class ModelHomes {
  readonly decisions = new Map<string, Decision>();
  readonly #stock: ModelStock;
  readonly #clientId: string;
  /** What the client's wallet holds. */
  balance: number;

  constructor(stock: ModelStock, clientId: string, balance: number) {
    this.#stock = stock;
    this.#clientId = clientId;
    this.balance = balance;
  }

  commit(message: CommitMessage): CommitAnswer {
    const { transactionId } = message.commit;
    const earlier = this.decisions.get(transactionId);
    if (earlier) return earlier.answer;
    const answer = this.#keyUsed(message) ?? this.#judge(message);
    this.decisions.set(transactionId, { answer, message });
    if (answer.state === "COMMITTED") this.#apply(message);
    return answer;
  }

  outcome(transactionId: string): OutcomeAnswer {
    if (!this.decisions.has(transactionId)) {
      this.decisions.set(transactionId, { answer: { transactionId, state: "ABORTED" }, message: null });
    }
    const { answer } = this.decisions.get(transactionId)!;
    return { transactionId, state: answer.state === "COMMITTED" ? "COMMITTED" : "ABORTED", lines: [] };
  }

  /** The committed message of a key. */
  keyed(kind: TransactionKind, key: string): CommitMessage["commit"] | undefined {
    return this.committed().find((message) => message.kind === kind && message.commit.idempotencyKey === key)
      ?.commit;
  }

  /** All committed messages in their order. */
  committed(): CommitMessage[] {
    return [...this.decisions.values()].flatMap(({ answer, message }) =>
      answer.state === "COMMITTED" && message ? [message] : [],
    );
  }

  /** Orders that were placed, and whether they are cancelled. */
  orders(): { order: OrderCommit; isCancelled: boolean }[] {
    const all = this.committed();
    const cancelled = new Set(
      all.map((message) => (message.kind === "CANCELLATION" ? message.commit.orderId : undefined)),
    );
    return all.flatMap((message) =>
      message.kind === "ORDER"
        ? [{ order: message.commit, isCancelled: cancelled.has(message.commit.transactionId) }]
        : [],
    );
  }

  /** What each city other than the home gives to a transaction, or gets back from it. */
  partsOf({ kind, commit }: CommitMessage): Part[] {
    switch (kind) {
      case "ORDER":
        return partsOfOrder(commit).filter(({ cityId }) => cityId !== homeOf(commit.transactionId));
      case "CANCELLATION":
        return this.partsOf({ kind: "ORDER", commit: this.#order(commit.orderId)!.order });
      case "TRANSFER": {
        const { fromCityId, productId, quantity } = commit;
        return [{ cityId: fromCityId, lines: [{ productId, quantity }] }];
      }
      default:
        return kind satisfies never;
    }
  }

  #order(orderId: string) {
    return this.orders().find(({ order }) => order.transactionId === orderId);
  }

  #keyUsed({ kind, commit }: CommitMessage): CommitAnswer | undefined {
    const { transactionId, idempotencyKey, requestHash } = commit;
    const earlier = this.keyed(kind, idempotencyKey);
    if (!earlier) return undefined;
    const state = earlier.requestHash === requestHash ? "REPLAYED" : "KEY_REUSED";
    return { transactionId, state, committedId: earlier.transactionId };
  }

  #judge(message: CommitMessage): CommitAnswer {
    switch (message.kind) {
      case "ORDER":
        return this.#judgeOrder(message.commit);
      case "CANCELLATION":
        return this.#judgeCancellation(message.commit);
      case "TRANSFER":
        return happened(message.commit);
      default:
        return message satisfies never;
    }
  }

  #judgeOrder(order: OrderCommit): CommitAnswer {
    const { transactionId, clientId } = order;
    if (clientId !== this.#clientId) return { transactionId, state: "UNKNOWN_CLIENT" };
    if (order.paymentMethod === "WALLET" && totalOf(order) > this.balance)
      return { transactionId, state: "DECLINED", balance: this.balance, declined: "TOO_LITTLE_MONEY" };
    const home = homeOf(transactionId);
    const own = partsOfOrder(order).find(({ cityId }) => cityId === home);
    const shortages = this.#stock.shortages(home, own?.lines ?? []);
    return shortages.length > 0 ? { transactionId, state: "REFUSED", shortages } : happened(order);
  }

  #judgeCancellation(cancellation: CancellationCommit): CommitAnswer {
    const { transactionId, orderId } = cancellation;
    const found = this.#order(orderId);
    if (!found) return { transactionId, state: "UNKNOWN_ORDER" };
    if (found.isCancelled) {
      const isOfOrder = (message: CommitMessage) =>
        message.kind === "CANCELLATION" && message.commit.orderId === orderId;
      const committedId = this.committed().find(isOfOrder)!.commit.transactionId;
      return { transactionId, state: "ALREADY_CANCELLED", committedId };
    }
    const participants = this.partsOf({ kind: "CANCELLATION", commit: cancellation });
    return happened(
      cancellation,
      participants.map(({ cityId, lines }) => ({ cityId, lines: [...lines] })),
    );
  }

  #apply(message: CommitMessage): void {
    switch (message.kind) {
      case "ORDER":
        this.#takeOrder(message.commit, -1);
        return;
      case "CANCELLATION":
        this.#takeOrder(this.#order(message.commit.orderId)!.order, 1);
        return;
      case "TRANSFER": {
        const { transactionId, productId, quantity } = message.commit;
        this.#stock.move(homeOf(transactionId), [{ productId, quantity }], 1);
        return;
      }
      default:
        message satisfies never;
    }
  }

  /** Takes an order's stock at home and its money, or gives them back. */
  #takeOrder(order: OrderCommit, sign: 1 | -1): void {
    const home = homeOf(order.transactionId);
    const own = partsOfOrder(order).find(({ cityId }) => cityId === home);
    this.#stock.move(home, own?.lines ?? [], sign);
    if (order.paymentMethod === "WALLET") this.balance += sign * totalOf(order);
  }
}

export function totalOf({ lines }: OrderCommit): number {
  return lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0);
}

function happened(
  { transactionId }: OrderCommit | CancellationCommit | TransferCommit,
  participants: Extract<CommitAnswer, { state: "COMMITTED" }>["participants"] = [],
): CommitAnswer {
  return { transactionId, state: "COMMITTED", committedId: transactionId, participants };
}

function partsOfOrder({ allocations }: OrderCommit): Part[] {
  const byCity = Map.groupBy(allocations, ({ cityId }) => cityId);
  return [...byCity].map(([cityId, given]) => ({
    cityId,
    lines: given.map(({ productId, quantity }) => ({ productId, quantity })),
  }));
}

function homeOf(transactionId: string): string {
  return transactionId.split(":")[0]!;
}
