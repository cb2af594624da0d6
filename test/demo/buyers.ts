/** Many buyers who order one product at about the same time. */
import { setTimeout as sleep } from "node:timers/promises";
import { REQUEST_ID_HEADER } from "@teranga/kit/http/server.ts";
import type { Random } from "../harness/random.ts";

export interface Buyer {
  /** The buyer's name. It is also the id of the request, by which the log shows its transactions. */
  name: string;
  clientId: string;
  cityId: string;
  quantity: number;
}

/** A buyer's request and result; times are milliseconds since 1970. */
export interface Purchase {
  buyer: Buyer;
  askedMs: number;
  answeredMs: number;
  /** `OrderPlaced`, `OutOfStock`, …, or the code of an error. */
  result: string;
  orderId: string | null;
}

const QUANTITY_MAX = 3;

/** Draws buyers, for each client in turn. */
export function drawBuyers(random: Random, count: number, clientIds: readonly string[]): Buyer[] {
  return Array.from({ length: count }, (_, index) => {
    const clientId = clientIds[index % clientIds.length]!;
    return {
      name: `buyer-${index + 1}`,
      clientId,
      cityId: clientId.split(":")[0]!,
      quantity: random.between(1, QUANTITY_MAX),
    };
  });
}

/** Lets all buyers order, each at a random moment within the given time. */
export function letBuy(
  url: string,
  productId: string,
  buyers: readonly Buyer[],
  random: Random,
  withinMs: number,
): Promise<Purchase[]> {
  return Promise.all(
    buyers.map(async (buyer) => {
      await sleep(random.between(0, withinMs));
      return buy(url, productId, buyer);
    }),
  );
}

const PLACE_ORDER = `mutation ($input: PlaceOrderInput!) {
  placeOrder(input: $input) { __typename ... on OrderPlaced { order { id } } }
}`;

async function buy(url: string, productId: string, buyer: Buyer): Promise<Purchase> {
  const { name, clientId, quantity } = buyer;
  const askedMs = Date.now();
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", [REQUEST_ID_HEADER]: name },
    body: JSON.stringify({
      query: PLACE_ORDER,
      variables: { input: { clientId, lines: [{ productId, quantity }], idempotencyKey: name } },
    }),
  });
  const { data, errors } = (await response.json()) as {
    data?: { placeOrder: { __typename: string; order?: { id: string } } | null };
    errors?: { extensions?: { code?: string } }[];
  };
  return {
    buyer,
    askedMs,
    answeredMs: Date.now(),
    result: data?.placeOrder?.__typename ?? errors?.[0]?.extensions?.code ?? "no answer",
    orderId: data?.placeOrder?.order?.id ?? null,
  };
}
