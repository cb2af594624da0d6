/**
 * Goal: of many great answers at once, some wait or are refused with a code, while small ones and mutations
 * pass. Method: a service whose answers are a megabyte, a gateway with room for one and a half, and a request
 * that holds its megabyte until it is released.
 */
import { connect } from "node:net";
import { compose } from "@teranga/schema/compose.ts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type FaultyService, type ReceivedRequest, startFaultyService } from "./fixture/faulty-service.ts";
import { log } from "./fixture/library.ts";
import { startGateway } from "./gateway.ts";

const SDL = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3")`;
const TEXTS = `${SDL} type Query { texts: [String!]! } type Mutation { write: [String!]! }`;
const OTHERS = `${SDL} type Query { held: Int small: Int }`;
/** Each name makes another query: equal queries would share one request. */
const great = (name: string, fields = "texts") => `query ${name} { ${fields} }`;

const texts = Array.from({ length: 1_000 }, () => "x".repeat(1_000));
const letGo: (() => void)[] = [];
let services: FaultyService[];
let startWith: (answerBytesMax: number) => Promise<void>;
let gateway: Awaited<ReturnType<typeof startGateway>>;
/** The requests that came to the service of great answers. */
let sent: number;

async function others({ query }: ReceivedRequest): Promise<unknown> {
  if (!query.includes("held")) return { data: { small: 1 } };
  await new Promise<void>((resolve) => letGo.push(resolve));
  return { data: { held: 1 } };
}

/** The second half follows when it is released. */
async function* inHalves(text: string) {
  yield text.slice(0, text.length / 2);
  await new Promise<void>((resolve) => letGo.push(resolve));
  yield text.slice(text.length / 2);
}

beforeEach(async () => {
  sent = 0;
  const answers = ({ query }: ReceivedRequest) => {
    sent++;
    if (query.includes("Huge")) return { data: { texts: Array.from({ length: 16 }, () => texts).flat() } };
    if (query.includes("Slow")) return inHalves(JSON.stringify({ data: { texts } }));
    return { data: query.startsWith("mutation") ? { write: texts } : { texts } };
  };
  services = [await startFaultyService(answers), await startFaultyService(others)];
  const [textsUrl, othersUrl] = services.map(({ url }) => url) as [string, string];
  const { supergraphSdl } = compose([
    { name: "texts", url: textsUrl, sdl: TEXTS },
    { name: "others", url: othersUrl, sdl: OTHERS },
  ]);
  const source = { kind: "supergraph" as const, supergraphSdl };
  startWith = async (answerBytesMax) => {
    gateway = await startGateway({ source, port: 0, log, answerBytesMax });
  };
  await startWith(1_500_000);
});
afterEach(async () => {
  for (const release of letGo.splice(0)) release();
  await gateway.close();
  for (const { close } of services) await close();
});

async function ask(query: string, signal: AbortSignal | null = null) {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ query });
  const response = await fetch(gateway.url, { method: "POST", headers, body, signal });
  const { data, errors } = (await response.json()) as {
    data?: { texts?: string[]; write?: string[]; small?: number };
    errors?: { extensions: { code: string } }[];
  };
  const { status } = response;
  const retryAfter = response.headers.get("retry-after");
  return { status, retryAfter, data, codes: errors?.map(({ extensions }) => extensions.code) };
}

/** Asks until there is no room: the test cannot see when the other request has read its megabyte. */
async function untilRefused() {
  for (let tries = 1; tries < 20; tries++) {
    const answer = await ask(great(`Second${tries}`));
    if (answer.status !== 200) return answer;
  }
  throw new Error("there was room each time");
}

test("what finds no room is OVERLOADED, small ones and mutations are not, and then there is room again", async () => {
  const first = ask(great("First", "texts held"));
  const refused = await untilRefused();
  expect(refused).toEqual({ status: 503, retryAfter: "1", data: undefined, codes: ["OVERLOADED"] });
  expect(await ask("{ small }")).toMatchObject({ status: 200, data: { small: 1 } });
  const { status, data } = await ask("mutation { write }");
  expect([status, data!.write!.length]).toEqual([200, texts.length]);
  for (const release of letGo.splice(0)) release();
  const answered = await first;
  expect([answered.status, answered.data!.texts!.length]).toEqual([200, texts.length]);
  expect((await ask(great("Third"))).data!.texts).toHaveLength(texts.length);
});

test("equal queries that share a great answer make their copies as there is room", async () => {
  const answers = await Promise.all(Array.from({ length: 5 }, () => ask(great("Same"))));
  expect(answers.map(({ status, data }) => [status, data?.texts?.length])).toEqual(
    answers.map(() => [200, texts.length]),
  );
});

test("without room all queries that share a great answer are OVERLOADED", async () => {
  const first = ask(great("First", "texts held"));
  await untilRefused();
  const answers = await Promise.all(Array.from({ length: 3 }, () => ask(great("Same"))));
  for (const release of letGo.splice(0)) release();
  expect(answers.map(({ status, codes }) => [status, codes])).toEqual(
    answers.map(() => [503, ["OVERLOADED"]]),
  );
  expect((await first).status).toBe(200);
});

test("a deferred answer that nobody reads gives its room back when it is made", async () => {
  await gateway.close();
  await startWith(20_000_000);
  const body = JSON.stringify({ query: great("Huge", "small ... @defer { texts }") });
  const head = `POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\naccept: multipart/mixed;deferSpec=20220824,application/json\r\ncontent-length: ${body.length}`;
  const client = connect(Number(new URL(gateway.url).port), "127.0.0.1").pause();
  client.write(`${head}\r\n\r\n${body}`);
  await vi.waitFor(() => expect(sent).toBe(1), { timeout: 10_000 });
  // The room is for one of two such answers. A request waits two seconds for it.
  let answer = await ask(great("Huge2"));
  for (let tries = 0; tries < 3 && answer.status !== 200; tries++) answer = await ask(great("Huge2"));
  expect([answer.status, answer.data?.texts?.length, client.bytesRead]).toEqual([200, 16_000, 0]);
  client.destroy();
});

/** By then the gateway has seen what happened before on other connections. */
async function settled() {
  for (let count = 0; count < 5; count++) await ask("{ small }");
}

test("a client that hangs up takes its answer from nobody who shares it", async () => {
  const hangUp = new AbortController();
  const first = ask(great("Slow"), hangUp.signal).catch((error: Error) => error.name);
  await vi.waitFor(() => expect(letGo).toHaveLength(1));
  const others = Array.from({ length: 3 }, () => ask(great("Slow")));
  await settled();
  hangUp.abort();
  await settled();
  for (const release of letGo.splice(0)) release();
  expect(await first).toBe("AbortError");
  const answers = await Promise.all(others);
  expect(answers.map(({ status, data }) => [status, data?.texts?.length])).toEqual(
    others.map(() => [200, texts.length]),
  );
  expect(sent).toBe(1);
});
