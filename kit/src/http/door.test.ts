/**
 * Goal: no client holds a server up, whatever it sends or does not read. Method: real sockets, and limits of
 * a fraction of a second.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { afterEach, expect, test } from "vitest";
import { createLogger } from "../process/log.ts";
import { Registry } from "../process/metrics.ts";
import { DEFAULT_DOOR, type Door } from "./door.ts";
import { addHealth, listen } from "./listen.ts";
import { createApp } from "./server.ts";

const ANSWER_BYTES = 20 * 1024 * 1024;

let app: FastifyInstance | undefined;
afterEach(() => app?.close());

/** A server whose requests wait until they are released, or have a large answer. */
async function start(changes: Partial<Door>) {
  const held: (() => void)[] = [];
  const registry = new Registry();
  const log = createLogger("test", "silent");
  const own = createApp(log, { door: { ...DEFAULT_DOOR, ...changes }, bodyBytesMax: 1_000, registry });
  app = own;
  addHealth(own, async () => {});
  own.post("/echo", async ({ body }) => body);
  own.get("/large", async () => "x".repeat(ANSWER_BYTES));
  own.get("/part", (_, reply) => reply.send(Readable.from(onePart())));
  own.get("/held", async () => {
    await new Promise<void>((resolve) => held.push(resolve));
    return "let go";
  });
  const sockets: Socket[] = [];
  own.server.on("connection", (socket: Socket) => sockets.push(socket));
  const { port } = await listen(own, 0, () => own.close());
  /** How often each reason was counted. */
  const refusals = async () => {
    const { values } = await registry.getSingleMetric("teranga_door_refusals_total")!.get();
    return Object.fromEntries(values.map(({ labels, value }) => [labels.reason, value]));
  };
  return { app: own, port, held, sockets, refusals };
}

/** An answer in parts, whose part is one write. */
async function* onePart() {
  yield "x".repeat(ANSWER_BYTES);
}

async function dial(port: number, text: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(text);
  return socket;
}

/** Everything that a connection receives until it ends. */
async function readAll(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (bytes) => {
    text += bytes;
  });
  await once(socket, "close");
  return text;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

const GET = (path: string) => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`;
const HALF_BODY =
  "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";

test.each([
  ["head", "GET /echo HTTP/1.1\r\nhost: a\r\n", { headMs: 100 }],
  ["body", HALF_BODY, { bodyMs: 100 }],
])("a %s that is half sent is given up", async (_, text, door) => {
  const { port, refusals } = await start(door);
  expect(await readAll(await dial(port, text))).toMatch(/^HTTP\/1.1 408 .*BAD_REQUEST/s);
  expect(await refusals()).toEqual({ "slow-request": 1 });
});

test("an answer that nobody reads is given up", async () => {
  const { port, sockets, refusals } = await start({ answerMs: 100 });
  const client = await dial(port, GET("/large"));
  await until(() => sockets[0]?.destroyed === true);
  expect(await refusals()).toEqual({ "unread-answer": 1 });
  client.destroy();
});

test("answers that nobody reads hold so many bytes together and no more", async () => {
  const { port, sockets, refusals } = await start({ unreadBytesMax: 2.5 * ANSWER_BYTES });
  const clients = await Promise.all([1, 2, 3, 4].map(() => dial(port, GET("/large"))));
  await until(() => sockets.filter(({ destroyed }) => destroyed).length === 2);
  expect(sockets.filter(({ destroyed }) => !destroyed)).toHaveLength(2);
  expect(await refusals()).toEqual({ "unread-answer": 2 });
  for (const client of clients) client.destroy();
});

test("requests of one connection are carried out one after the other", async () => {
  const { port, held } = await start({});
  const answers = readAll(await dial(port, GET("/held").repeat(5)));
  for (let count = 1; count <= 5; count++) {
    await until(() => held.length === count);
    // All five requests have been read by now: a second one would have begun.
    await new Promise((resolve) => setImmediate(resolve));
    expect(held).toHaveLength(count);
    held[count - 1]!();
  }
  await app!.close();
  expect((await answers).match(/HTTP\/1.1 200/g)).toHaveLength(5);
});

test("a connection with too many requests at once is told so and ended", async () => {
  const { port, held, refusals } = await start({});
  const answers = readAll(await dial(port, GET("/held").repeat(40)));
  for (let count = 1; count <= 11; count++) {
    await until(() => held.length === count);
    held[count - 1]!();
  }
  const text = await answers;
  expect(text.match(/HTTP\/1.1 200/g)).toHaveLength(11);
  expect(text.match(/HTTP\/1.1 503/g)).toHaveLength(1);
  expect(text).toContain('"code":"OVERLOADED"');
  expect(held).toHaveLength(11);
  expect(await refusals()).toEqual({ pipelined: 1 });
});

test("beyond so many requests in all there is a coded refusal, and health is answered", async () => {
  const { app: own, port, held, refusals } = await start({ requestsMax: 2 });
  const url = `http://127.0.0.1:${port}`;
  // A half-sent request takes no place.
  const hasBegun = once(own.server, "request");
  const half = await dial(port, HALF_BODY);
  await hasBegun;
  const underWay = [fetch(`${url}/held`), fetch(`${url}/held`)];
  await until(() => held.length === 2);
  const refused = await fetch(`${url}/held`);
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(await refused.json()).toMatchObject({ errors: [{ extensions: { code: "OVERLOADED" } }] });
  expect((await fetch(`${url}/health/live`)).status).toBe(200);
  for (const letGo of held) letGo();
  for (const answer of underWay) expect(await (await answer).text()).toBe("let go");
  half.destroy();
  expect(await refusals()).toEqual({ overloaded: 1 });
});

const LONG = "a".repeat(20_000);

test.each([
  [
    "too-large",
    `POST /echo HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 1001\r\n\r\n${LONG}`,
  ],
  ["too-large", `GET /${LONG} HTTP/1.1\r\nhost: a\r\n\r\n`],
  ["bad-request", "hello\r\n\r\n"],
  ["bad-request", "GET /nowhere HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"],
  ["bad-request", "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n"],
])("what is refused is counted once, by its reason: %s", async (reason, text) => {
  const { port, refusals } = await start({});
  const client = await dial(port, text);
  await once(client, "data");
  expect(await refusals()).toEqual({ [reason]: 1 });
  client.destroy();
});

test("a tunnel that is refused is closed, even if its client keeps its own end open", async () => {
  const { port, sockets } = await start({});
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  client.write("CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n");
  client.resume();
  await once(client, "end");
  await until(() => sockets[0]!.destroyed);
  client.destroy();
});

test("connections beyond those that there may be are counted", async () => {
  const { port, refusals } = await start({ connectionsMax: 1 });
  const first = await dial(port, "");
  const second = await dial(port, "");
  await readAll(second);
  expect(await refusals()).toEqual({ connections: 1 });
  first.destroy();
});

test("a client that goes in the middle of its body is not refused", async () => {
  const { port, sockets, refusals } = await start({});
  const client = await dial(port, HALF_BODY);
  await until(() => sockets.length === 1);
  const isGone = new Promise((resolve) => sockets[0]!.once("close", resolve));
  client.resetAndDestroy();
  await isGone;
  await new Promise((resolve) => setImmediate(resolve));
  expect(await refusals()).toEqual({});
});

test("closing ends by its limit, whatever clients do", async () => {
  const { app: own, port, held, sockets } = await start({ drainMs: 100 });
  const texts = [GET("/large"), GET("/held"), HALF_BODY, "GET /echo HTTP"];
  const clients = await Promise.all(texts.map((text) => dial(port, text)));
  await until(
    () => held.length === 1 && sockets.length === 4 && sockets.some((socket) => socket.writableLength > 0),
  );
  await own.close();
  expect(sockets.every(({ destroyed }) => destroyed)).toBe(true);
  for (const client of clients) client.destroy();
});

test("a closing server waits for clients that read slowly, and not for one that does not read", async () => {
  const { app: own, port, sockets, refusals } = await start({ drainMs: 20_000 });
  const clients = await Promise.all(["/large", "/part", "/large"].map((path) => dial(port, GET(path))));
  const [whole, part, stalled] = clients;
  for (const client of clients) client.pause();
  await until(() => sockets.length === 3 && sockets.every(({ bytesWritten }) => bytesWritten > 0));
  const isClosed = own.close();
  const taken = await Promise.all([whole!, part!].map((client) => readSlowly(client, 1_200_000)));
  expect(taken.every((bytes) => bytes > ANSWER_BYTES)).toBe(true);
  await isClosed;
  expect(await refusals()).toEqual({ "unread-answer": 1 });
  stalled!.destroy();
});

/** Reads 400 kB in a second at most, and all at once beyond so many bytes. Returns how many there were. */
async function readSlowly(client: Socket, slowBytes: number): Promise<number> {
  let taken = 0;
  const isClosed = once(client, "close");
  const pace = setInterval(() => {
    taken += client.read(Math.min(40_000, client.readableLength))?.length ?? 0;
    if (taken <= slowBytes) return;
    clearInterval(pace);
    client.on("data", ({ length }: Buffer) => (taken += length)).resume();
  }, 100);
  await isClosed;
  clearInterval(pace);
  return taken;
}
