/** The sequential model of the shop: one commit after the other. The real shop is compared with it. */

/** A commit: something that has happened for good at its commit point. */
export type Commit =
  | { kind: "RESTOCK"; id: string; cityId: string; productId: string; quantity: number; key: string | null }
  | { kind: "TOP_UP"; id: string; clientId: string; key: string; amount: number }
  | { kind: "ORDER"; id: string; clientId: string; key: string; allocations: Pieces[]; fromWallet: number }
  | { kind: "CANCELLATION"; id: string; orderId: string }
  | { kind: "TRANSFER"; id: string; productId: string; from: string; to: string; quantity: number };

export interface Pieces {
  cityId: string;
  productId: string;
  quantity: number;
}

export interface SequentialShop {
  /** Applies a commit. Returns why it is impossible, or null. */
  apply(commit: Commit): string | null;
  /** Pieces on hand, by `<city> <product>`. */
  levels: ReadonlyMap<string, number>;
  /** By client. */
  wallets: ReadonlyMap<string, number>;
}

export const levelName = (cityId: string, productId: string) => `${cityId} ${productId}`;

/** A shop without stock, money and orders. Its initial content comes as commits too. */
export function createSequentialShop(): SequentialShop {
  const levels = new Map<string, number>();
  const wallets = new Map<string, number>();
  const orders = new Map<string, Extract<Commit, { kind: "ORDER" }> & { cancelled: boolean }>();
  const keys = new Set<string>();

  const change = (sums: Map<string, number>, name: string, by: number, what: string) => {
    const value = (sums.get(name) ?? 0) + by;
    sums.set(name, value);
    return value < 0 ? `${what} ${name} falls to ${value}` : null;
  };
  const move = ({ cityId, productId, quantity }: Pieces, factor: 1 | -1) =>
    change(levels, levelName(cityId, productId), factor * quantity, "the stock of");
  const claimKey = (kind: string, clientId: string, key: string) => {
    const name = JSON.stringify([kind, clientId, key]);
    if (keys.has(name)) return `the key ${key} of ${clientId} is used twice`;
    keys.add(name);
    return null;
  };
  const first = (faults: (string | null)[]) => faults.find((fault) => fault !== null) ?? null;

  const apply = (commit: Commit): string | null => {
    switch (commit.kind) {
      case "RESTOCK":
        return first([
          commit.key === null ? null : claimKey("RESTOCK", commit.cityId, commit.key),
          move(commit, 1),
        ]);
      case "TOP_UP":
        return first([
          claimKey("TOP_UP", commit.clientId, commit.key),
          change(wallets, commit.clientId, commit.amount, "the wallet of"),
        ]);
      case "ORDER":
        orders.set(commit.id, { ...commit, cancelled: false });
        return first([
          claimKey("ORDER", commit.clientId, commit.key),
          change(wallets, commit.clientId, -commit.fromWallet, "the wallet of"),
          ...commit.allocations.map((pieces) => move(pieces, -1)),
        ]);
      case "CANCELLATION": {
        const order = orders.get(commit.orderId);
        if (!order) return `${commit.orderId} is cancelled before it is placed`;
        if (order.cancelled) return `${commit.orderId} is cancelled twice`;
        order.cancelled = true;
        return first([
          change(wallets, order.clientId, order.fromWallet, "the wallet of"),
          ...order.allocations.map((pieces) => move(pieces, 1)),
        ]);
      }
      case "TRANSFER": {
        const { productId, from, to, quantity } = commit;
        return first([
          move({ cityId: from, productId, quantity }, -1),
          move({ cityId: to, productId, quantity }, 1),
        ]);
      }
      default:
        return commit satisfies never;
    }
  };
  return { apply, levels, wallets };
}
