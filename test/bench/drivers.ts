/** The load generator's two ways to place an order: through a gateway, and directly on the databases. */

import { setTimeout as sleep } from "node:timers/promises";
import { openDatabase, type Sql } from "@teranga/kit/postgres/database.ts";
import { cityClock } from "@teranga/protocol/city/city-clock.ts";
import { createCommitProtocol } from "@teranga/protocol/city/commit-protocol.ts";
import { acknowledgeDecisions } from "@teranga/protocol/city/sql/acknowledge-decisions.ts";
import type { OrderCommit } from "@teranga/protocol/messages.ts";
import { Pool } from "undici";
import { v7 as newUuid } from "uuid";
import type { BenchOrder } from "./scenarios.ts";

/** The target of the orders. */
export type Target =
  | { kind: "gateway"; url: string }
  /** Database URLs by city. */
  | { kind: "direct"; databases: Record<string, string> };

export interface Driver {
  /** Places one order. Resolves to OrderPlaced, or to the type or error code of another result. */
  place(order: BenchOrder): Promise<string>;
  /** Waits for the work that goes on after the answers, and closes. */
  close(): Promise<void>;
}

export const PLACED = "OrderPlaced";

export function openDriver(target: Target, concurrency: number): Driver {
  switch (target.kind) {
    case "gateway":
      return gatewayDriver(target.url, concurrency);
    case "direct":
      return directDriver(target.databases, concurrency);
    default:
      return target satisfies never;
  }
}

/** Selects only fields that the orchestrator knows itself, so that no query after the order is measured. */
const PLACE_ORDER = `mutation PlaceOrder($input: PlaceOrderInput!) {
  placeOrder(input: $input) { __typename ... on OrderPlaced { order { id } } }
}`;

const HEADERS = { "content-type": "application/json", accept: "application/json" };

function gatewayDriver(url: string, concurrency: number): Driver {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections: concurrency, pipelining: 1 });
  return {
    async place({ clientId, lines }) {
      const input = {
        clientId,
        lines: lines.map(({ productId }) => ({ productId, quantity: 1 })),
        idempotencyKey: newUuid(),
      };
      const body = JSON.stringify({ query: PLACE_ORDER, variables: { input } });
      try {
        const answer = await pool.request({ path: pathname, method: "POST", headers: HEADERS, body });
        const { data, errors } = (await answer.body.json()) as GatewayAnswer;
        return data?.placeOrder?.__typename ?? errors?.[0]?.extensions?.code ?? `HTTP ${answer.statusCode}`;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? (error as Error).name;
      }
    },
    close: () => pool.close(),
  };
}

interface GatewayAnswer {
  data?: { placeOrder?: { __typename: string } | null } | null;
  errors?: { extensions?: { code?: string } }[];
}

const KIND = "ORDER" as const;
/**
 * Connections to each city. This many keep its server busy; more would only wait for the same rows and wake
 * up in vain.
 */
const DIRECT_CONNECTIONS_MAX = 16;
const PREPARE_LEASE_MS = 10_000;
/** Below the 2 s after which the cities' own workers would begin to acknowledge. */
const ACKNOWLEDGE_EVERY_MS = 500;

/**
 * The limit of the data plane: one program calls the cities' SQL without GraphQL and without services. Each
 * order makes its own calls: prepare in parallel, commit, and decide after the client has its answer. It
 * reads nothing first. Acknowledgements are written many in one statement, as by the cities' workers.
 */
function directDriver(urls: Record<string, string>, concurrency: number): Driver {
  const connections = Math.min(concurrency + 1, DIRECT_CONNECTIONS_MAX);
  const databases = new Map(
    Object.entries(urls).map(([cityId, url]) => [
      cityId,
      openDatabase({ url, applicationName: "bench", connections }),
    ]),
  );
  const sqlOf = (cityId: string) => databases.get(cityId)!.sql;
  const underWay = new Set<Promise<void>>();
  const acknowledgements = createAcknowledgements(sqlOf);

  const decide = (order: BenchOrder, transactionId: string) => {
    const told = order.lines.slice(1).map(async ({ cityId, productId }) => {
      const lines = [{ productId, quantity: 1 }];
      const decision = { transactionId, kind: KIND, decision: "COMMITTED" as const, lines };
      await createCommitProtocol(sqlOf(cityId)).decide([decision], cityClock);
      acknowledgements.add(order.homeId, cityId, transactionId);
    });
    const all = Promise.all(told).then(() => undefined);
    underWay.add(all);
    void all.finally(() => underWay.delete(all)).catch(() => undefined);
  };

  return {
    async place(order) {
      const transactionId = `${order.homeId}:${newUuid()}`;
      try {
        const votes = await Promise.all(
          order.lines.slice(1).map(({ cityId, productId }) => {
            const lines = [{ productId, quantity: 1 }];
            const request = { transactionId, kind: KIND, leaseMs: PREPARE_LEASE_MS, lines };
            return createCommitProtocol(sqlOf(cityId)).prepare([request], cityClock);
          }),
        );
        const refusal = votes.find(([vote]) => vote!.state !== "PREPARED");
        if (refusal) return refusal[0]!.state;
        const request = commitRequest(order, transactionId);
        const [answer] = await createCommitProtocol(sqlOf(order.homeId)).commitOrders([request], cityClock);
        if (answer!.state !== "COMMITTED") return answer!.state;
        decide(order, transactionId);
        return PLACED;
      } catch (error) {
        return (error as { code?: string }).code ?? (error as Error).name;
      }
    },
    async close() {
      await Promise.allSettled(underWay);
      await acknowledgements.stop();
      await Promise.all([...databases.values()].map((database) => database.close()));
    },
  };
}

const UNIT_PRICE = 1_000;

function commitRequest({ clientId, lines }: BenchOrder, transactionId: string): OrderCommit {
  return {
    transactionId,
    clientId,
    idempotencyKey: newUuid(),
    requestHash: transactionId,
    lines: lines.map(({ productId }) => ({ productId, quantity: 1, unitPrice: UNIT_PRICE })),
    allocations: lines.map(({ cityId, productId }) => ({ cityId, productId, quantity: 1 })),
    paymentMethod: "CASH_ON_DELIVERY",
  };
}

/** Writes the participants' acknowledgements at the homes, all that wait in one statement. */
function createAcknowledgements(sqlOf: (cityId: string) => Sql) {
  let waiting: { homeId: string; cityId: string; transactionId: string }[] = [];
  const stopped = new AbortController();
  const write = async () => {
    const groups = Map.groupBy(waiting, ({ homeId, cityId }) => `${homeId} ${cityId}`);
    waiting = [];
    for (const group of groups.values()) {
      const { homeId, cityId } = group[0]!;
      const ids = group.map(({ transactionId }) => transactionId);
      await acknowledgeDecisions(sqlOf(homeId), cityId, ids, cityClock);
    }
  };
  const loop = async () => {
    while (!stopped.signal.aborted) {
      await sleep(ACKNOWLEDGE_EVERY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
      await write();
    }
  };
  const done = loop();
  return {
    add: (homeId: string, cityId: string, transactionId: string) => {
      waiting.push({ homeId, cityId, transactionId });
    },
    async stop() {
      stopped.abort();
      await done;
    },
  };
}
