/**
 * Goal: transactions are visible from outside: metrics that move, one trace through all services, one log
 * line for each decision. Method: the whole graph, with spans and log lines recorded.
 */
import { readFile } from "node:fs/promises";
import { SpanKind } from "@opentelemetry/api";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from "@opentelemetry/sdk-trace";
import { phoneOf } from "@teranga/city/payments/test-city.ts";
import { serviceHeaders } from "@teranga/kit/http/credential.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import type { SpanRecorder } from "@teranga/kit/process/tracing-exporter.ts";
import { recordSpans } from "@teranga/kit/process/tracing-exporter.ts";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { ask, CREDENTIAL, type Graph, startGraph } from "./harness/graph.ts";
import { untilAtRest } from "./harness/invariants.ts";
import { growth, metricsOf } from "./harness/metrics.ts";
import { idOf, pathsOf } from "./harness/spans.ts";
import { FaultyCompany } from "./payments/faulty-company.ts";

const exporter = new InMemorySpanExporter();
const lines: Record<string, unknown>[] = [];
let recorder: SpanRecorder;
let graph: Graph;
let company: FaultyCompany;
beforeAll(async () => {
  recorder = recordSpans("test", new SimpleSpanProcessor({ exporter }));
  const log = createLogger("test", "info", { write: (line) => void lines.push(JSON.parse(line)) });
  company = await FaultyCompany.open();
  graph = await startGraph({ log, paymentProviders: [company.provider()] });
});
afterAll(async () => {
  await graph.close();
  await company.close();
  await recorder.stop();
});
/** The names of all of our own spans. */
const seen = new Set<string>();
beforeEach(async () => {
  for (const { name } of await finishedSpans()) if (!name.startsWith("gateway.")) seen.add(name);
  exporter.reset();
  lines.length = 0;
});

/** Places an order. Thiès has 5 of each product here, and Dakar gives the rest. */
const place = (productId: string, quantity = 7) =>
  graph.query(
    `mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { __typename ... on OrderPlaced { order { id } } } }`,
    { input: { clientId: "thies:2", lines: [{ productId, quantity }] } },
  );

/** Sends a message of the commit protocol to a city as a service does. */
async function send(cityId: string, mutation: string): Promise<unknown> {
  const headers = serviceHeaders(CREDENTIAL);
  return (await ask(graph.proxy(cityId).url, `mutation { ${mutation} }`, {}, headers)).data;
}

test("an order in two cities moves the metrics of the orchestrator", async () => {
  const grown = await growth(graph, "orders", async () => {
    expect((await place("101")).data.placeOrder.__typename).toBe("OrderPlaced");
    await untilAtRest(graph);
  });
  expect(grown('teranga_orders_answers_total{mutation="placeOrder",result="OrderPlaced"}')).toBe(1);
  expect(grown('teranga_orders_transactions_total{kind="ORDER",result="committed"}')).toBe(1);
  for (const [message, result] of [
    ["prepare", "PREPARED"],
    ["commitOrders", "COMMITTED"],
    ["decide", "DONE"],
  ]) {
    expect(grown(`teranga_orders_message_seconds_count{message="${message}",result="${result}"}`)).toBe(1);
    // There are more if an answer is late on a slow machine and the message is sent again.
    expect(grown(`teranga_orders_batch_messages_sum{message="${message}"}`)).toBeGreaterThanOrEqual(1);
  }
});

test("and those of its cities, as home and as participant", async () => {
  let dakar = (_: string) => 0;
  const thies = await growth(graph, "thies", async () => {
    dakar = await growth(graph, "dakar", async () => {
      await place("104");
      await untilAtRest(graph);
    });
  });
  expect(thies('teranga_city_entries_total{message="commitOrders",state="COMMITTED"}')).toBe(1);
  expect(thies('teranga_city_batch_seconds_count{message="commitOrders"}')).toBe(1);
  expect(thies('teranga_city_recoveries_total{cause="told_participant",decision="COMMITTED"}')).toBe(1);
  expect(dakar('teranga_city_entries_total{message="prepare",state="PREPARED"}')).toBe(1);
  // The decision comes from the orchestrator, and again from the home when it collects the acknowledgement.
  expect(dakar('teranga_city_entries_total{message="decide",state="DONE"}')).toBeGreaterThanOrEqual(2);
  expect(dakar("teranga_city_alarms_total")).toBe(0);
});

test("an order that is refused is counted as what the client was told", async () => {
  const grown = await growth(graph, "orders", () => place("101", 10_000));
  expect(grown('teranga_orders_answers_total{mutation="placeOrder",result="OutOfStock"}')).toBe(1);
});

const ABANDONED = "thies:01900000-0000-7000-8000-000000000001";
const prepare = (transactionId: string) =>
  `prepare(transactions: [{ transactionId: "${transactionId}", kind: ORDER, leaseMs: 1000,
    lines: [{ productId: "101", quantity: 1 }] }]) { state }`;

test("what an orchestrator has left is in doubt, then asked for: metrics, spans and a line on each side", async () => {
  graph.proxy("thies").set("refusing");
  const grown = await growth(graph, "dakar", async () => {
    await graph.stopCity("thies");
    await send("dakar", prepare(ABANDONED));
    const inDoubt = await metricsOf(graph, "dakar");
    expect(inDoubt.get("teranga_city_in_doubt_transactions")).toBe(1);
    expect(inDoubt.get("teranga_city_in_doubt_oldest_seconds")).toBeGreaterThan(0);
    await graph.startCity("thies");
    graph.proxy("thies").set("open");
    await untilAtRest(graph);
    expect((await metricsOf(graph, "dakar")).get("teranga_city_in_doubt_transactions")).toBe(0);
  });
  expect(grown('teranga_city_recoveries_total{cause="asked_home",decision="ABORTED"}')).toBe(1);

  const about = { transactionId: ABANDONED, state: "ABORTED" };
  expect(decisions()).toEqual([
    expect.objectContaining({ ...about, msg: "transaction decided", reason: "FENCED" }),
    expect.objectContaining({ ...about, msg: "decision applied", kind: "ORDER", cause: "asked" }),
  ]);
  const all = await finishedSpans();
  expect(pathsOf(all)).toContain("recovery ask > POST > POST /graphql > apply outcome");
});

test("a message that breaks the protocol raises the alarm", async () => {
  const foreign = "Atlantis:01900000-0000-7000-8000-000000000002";
  const grown = await growth(graph, "dakar", () => send("dakar", prepare(foreign)));
  expect(grown("teranga_city_alarms_total")).toBe(1);
  expect(grown('teranga_city_entries_total{message="prepare",state="VIOLATION"}')).toBe(1);
});

test("while a database is away its city's page answers, without what it cannot know", async () => {
  graph.databaseProxy("autres").set("refusing");
  const away = await metricsOf(graph, "autres");
  graph.databaseProxy("autres").set("open");
  expect([...away.keys()].filter((name) => /in_doubt|unacknowledged/.test(name))).toEqual([]);
  expect(away.has("teranga_city_alarms_total")).toBe(true);
  await vi.waitFor(async () => {
    const back = await metricsOf(graph, "autres");
    expect(back.get("teranga_city_in_doubt_transactions")).toBe(0);
    expect(back.get("teranga_city_backlog_failures_total")).toBeGreaterThan(0);
  });
});

test("an order in two cities is one trace through the gateway, the orchestrator and both cities", async () => {
  const { data } = await place("136");
  const id = data.placeOrder.order.id;
  const all = await finishedSpans();
  const root = all.find(({ name, parentSpanContext }) => name === "POST /graphql" && !parentSpanContext)!;
  const trace = all.filter((span) => span.spanContext().traceId === root.spanContext().traceId);
  const orders = "POST /graphql > POST > POST /graphql > placeOrder";
  const request = "batch > POST > POST /graphql";
  expect(pathsOf(trace)).toEqual(
    expect.arrayContaining([
      `${orders} > transaction > message prepare > ${request} > apply prepare`,
      `${orders} > transaction > message commitOrders > ${request} > apply commitOrders`,
      `${orders} > message decide > ${request} > apply decide`,
    ]),
  );
  expect(trace.find(({ name }) => name === "message prepare")!.attributes).toEqual({
    "teranga.city": "dakar",
    "teranga.result": "PREPARED",
    "teranga.transaction.id": id,
    "teranga.transaction.kind": "ORDER",
  });
  expect(trace.find(({ name }) => name === "apply commitOrders")!.attributes).toEqual({
    "teranga.city": "thies",
    "teranga.entries": 1,
    "teranga.results": ["COMMITTED"],
    "teranga.transaction.ids": [id],
  });
  expect(trace.find(({ name }) => name === "transaction")!.attributes).toMatchObject({
    "teranga.result": "committed",
  });
});

test("the public's trace is not taken over, only linked to; nor has the gateway metrics for it", async () => {
  const outside = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
  const traceparent = `00-${outside.traceId}-${outside.spanId}-00`;
  await ask(graph.url, "{ __typename }", {}, { traceparent });
  await ask(graph.url, "{ __typename }", {}, { traceparent: "garbage" });
  const requests = () => exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.SERVER);
  await vi.waitFor(() => expect(requests()).toHaveLength(2));
  const [linked, alone] = requests();
  expect(linked!.links.map(({ context }) => context)).toEqual([expect.objectContaining(outside)]);
  expect(linked!.spanContext().traceId).not.toBe(outside.traceId);
  expect(linked!.parentSpanContext).toBeUndefined();
  expect(alone!.links).toEqual([]);
  expect((await fetch(graph.url.replace("/graphql", "/metrics"))).status).toBe(404);
});

test("orders at the same time share requests, and each one's trace leads to the request that it was in", async () => {
  const count = 20;
  const grown = await growth(graph, "orders", async () => {
    const answers = await Promise.all(Array.from({ length: count }, () => place("114", 1)));
    expect(answers.map(({ data }) => data.placeOrder.__typename)).toEqual(Array(count).fill("OrderPlaced"));
  });
  const all = await finishedSpans();
  const batches = new Map(all.filter(({ name }) => name === "batch").map((span) => [idOf(span), span]));
  const messages = all.filter(({ name }) => name === "message commitOrders");
  // A message whose answer is late on a slow machine is sent again.
  expect(messages.length).toBeGreaterThanOrEqual(count);
  expect(grown('teranga_orders_batch_messages_sum{message="commitOrders"}')).toBe(messages.length);
  expect(grown('teranga_orders_batch_messages_count{message="commitOrders"}')).toBeLessThan(messages.length);
  const parents = new Map([...batches].map(([id, { parentSpanContext }]) => [parentSpanContext!.spanId, id]));
  const carriers = messages.map((span) => [
    span.links[0]?.context.spanId ?? parents.get(idOf(span)),
    idOf(span),
  ]);
  for (const [batchId, carried] of Map.groupBy(carriers, ([id]) => id)) {
    const batch = batches.get(batchId!)!;
    const linked = [batch.parentSpanContext!.spanId, ...batch.links.map(({ context }) => context.spanId)];
    expect(linked.sort()).toEqual(carried.map(([, id]) => id).sort());
    expect(batch.attributes["teranga.entries"]).toBe(carried.length);
  }
});

test("each decision has one line where it is written and one where it is applied, though the home tells it again", async () => {
  const { data } = await place("101", 3);
  const transactionId = data.placeOrder.order.id;
  await untilAtRest(graph);
  const committed = { transactionId, kind: "ORDER", state: "COMMITTED" };
  expect(decisions()).toEqual([
    expect.objectContaining({ ...committed, msg: "transaction decided" }),
    expect.objectContaining({ ...committed, msg: "decision applied", cause: "told" }),
  ]);
});

test("a cancellation and a transfer are counted, traced and logged as what they are", async () => {
  const { data } = await place("101", 1);
  await untilAtRest(graph);
  lines.length = 0;
  const grown = await growth(graph, "orders", async () => {
    await graph.query(
      `mutation ($orderId: ID!) {
        cancelOrder(input: { orderId: $orderId }) { __typename }
        transferStock(input: { productId: "101", fromCityId: "saint-louis", toCityId: "autres", quantity: 1 }) { __typename }
      }`,
      { orderId: data.placeOrder.order.id },
    );
  });
  expect(grown('teranga_orders_answers_total{mutation="cancelOrder",result="OrderCancelled"}')).toBe(1);
  expect(grown('teranga_orders_answers_total{mutation="transferStock",result="StockTransferred"}')).toBe(1);
  await untilAtRest(graph);
  const kinds = decisions().map(({ msg, kind, state }) => `${msg}: ${kind} ${state}`);
  expect(kinds.sort()).toEqual([
    "decision applied: CANCELLATION COMMITTED",
    "decision applied: TRANSFER COMMITTED",
    "transaction decided: CANCELLATION COMMITTED",
    "transaction decided: TRANSFER COMMITTED",
  ]);
});

test("a payment by a company outside is a span in the order's trace", async () => {
  const phone = phoneOf("dakar:1");
  await graph.query(
    `mutation ($phone: String!) { updateClient(input: { id: "dakar:1", phone: $phone }) { __typename } }`,
    {
      phone,
    },
  );
  company.giveMoney("dakar:1", 10_000_000);
  const { data } = await graph.query(
    `mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { __typename } }`,
    { input: { clientId: "dakar:1", lines: [{ productId: "110", quantity: 1 }], payment: "MOBILE_MONEY" } },
  );
  expect(data.placeOrder.__typename).toBe("OrderPlaced");
  const spans = await finishedSpans();
  const [order] = spans.filter(({ name }) => name === "placeOrder");
  const [authorise] = spans.filter(({ name }) => name === "payment authorise");
  expect(authorise!.kind).toBe(SpanKind.CLIENT);
  expect(authorise!.spanContext().traceId).toBe(order!.spanContext().traceId);
  await untilAtRest(graph);
});

test("every span is documented, and every documented span was seen here", async () => {
  const page = await readFile(new URL("../docs/observability.md", import.meta.url), "utf8");
  const table = page.split("| span | in | is |")[1]!.split("\n\n")[0]!;
  const firstCells = Array.from(table.matchAll(/^\| (`.*?) \|/gm), ([, cell]) => cell!);
  const documented = firstCells.flatMap((cell) => Array.from(cell.matchAll(/`(.*?)`/g), ([, name]) => name!));
  const names = [...seen].map((name) => name.replace(/^(message|apply|payment) .*/, "$1 …"));
  expect([...new Set(names)].sort()).toEqual(documented.sort());
});

const decisions = () =>
  lines.filter(({ msg }) => msg === "transaction decided" || msg === "decision applied");

/**
 * All spans, read once no span has ended for a while: decisions are sent after the answer, so their spans end
 * later.
 */
async function finishedSpans(): Promise<ReadableSpan[]> {
  await untilAtRest(graph);
  return exporter.getFinishedSpans();
}
