/**
 * Goal: unread answers have a limit in bytes, clients that read get the whole answer, and small answers go
 * out whatever large ones wait. Method: real sockets; bytes and cut connections are counted, time is not.
 */
import { connect, type Socket } from "node:net";
import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { afterEach, expect, test } from "vitest";
import { createLogger } from "../process/log.ts";
import { DEFAULT_DOOR, type Door } from "./door.ts";
import { addHealth, listen } from "./listen.ts";
import { createApp } from "./server.ts";

const MIB = 1024 * 1024;
const GREAT_BYTES = 20 * MIB;
/** Two units in UTF-16 and four bytes in UTF-8, at an odd place: pieces must not split the character. */
const WIDE = `a${"\u{1f404}".repeat(300_000)}`;

const PARTS = 20;
let made = 0;
let isOver = false;
async function* parts() {
  try {
    for (made = 0; made < PARTS; made++) yield "x".repeat(MIB);
  } finally {
    isOver = true;
  }
}

let app: FastifyInstance | undefined;
afterEach(() => app?.close());

async function start(changes: Partial<Door>) {
  const own = createApp(createLogger("test", "silent"), {
    door: { ...DEFAULT_DOOR, drainMs: 100, ...changes },
  });
  app = own;
  addHealth(own, async () => {});
  own.get("/great", async () => "x".repeat(GREAT_BYTES));
  own.get("/wide", async () => WIDE);
  // One write, and so one that waits as a whole.
  own.get("/at-once", async () => Buffer.alloc(GREAT_BYTES));
  own.get("/small", async () => "small");
  own.get("/parts", (_, reply) => void reply.send(Readable.from(parts())));
  const sockets: Socket[] = [];
  own.server.on("connection", (socket: Socket) => sockets.push(socket));
  const { port } = await listen(own, 0, () => own.close());
  return { port, sockets, url: `http://127.0.0.1:${port}` };
}

/** A client that asks and does not read. Its answer has begun. */
async function unread(port: number, sockets: readonly Socket[], path = "/great"): Promise<Socket> {
  const before = sockets.length;
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  socket.pause();
  socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`);
  await until(() => sockets[before]?.writableLength !== undefined && sockets[before].bytesWritten > 0);
  return socket;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

test("of an answer that nobody reads the socket has a piece, not all of it", async () => {
  const { port, sockets } = await start({});
  const client = await unread(port, sockets);
  // Waits until the system's buffers are full.
  await until(() => sockets[0]!.writableLength > 0);
  expect(sockets[0]!.writableLength).toBeLessThan(MIB);
  client.destroy();
});

test("whoever reads has all of it, whatever its characters", async () => {
  const { url } = await start({});
  const wide = await fetch(`${url}/wide`);
  expect(wide.headers.get("content-length")).toBe(String(Buffer.byteLength(WIDE)));
  expect((await wide.text()) === WIDE).toBe(true);
});

test("beyond the bound those are cut off at once that have read nothing for the longest", async () => {
  const { port, sockets, url } = await start({ unreadBytesMax: 2.5 * GREAT_BYTES });
  const clients: Socket[] = [];
  for (let count = 1; count <= 5; count++) {
    clients.push(await unread(port, sockets));
    // When a third answer begins, the first is cut off at once, not at the next check.
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual(
      Array.from({ length: count }, (_, at) => at < count - 2),
    );
  }
  // A client that reads gets its answer all the same, and does not keep the space afterwards.
  expect((await (await fetch(`${url}/great`)).arrayBuffer()).byteLength).toBe(GREAT_BYTES);
  for (const client of clients) client.destroy();
});

test("beyond the bound a client that reads slowly is kept, and newcomers that read nothing are not", async () => {
  const { port, sockets } = await start({ unreadBytesMax: 2.5 * GREAT_BYTES });
  const reader = await unread(port, sockets);
  let taken = 0;
  // Much less than the third of a buffer at which the system takes more of the answer.
  const pace = setInterval(() => {
    taken += reader.read(Math.min(16 * 1024, reader.readableLength))?.length ?? 0;
  }, 10);
  await until(() => taken > MIB);
  const newcomers: Socket[] = [];
  for (let count = 1; count <= 3; count++) newcomers.push(await unread(port, sockets));
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false, true, true, false]);
  clearInterval(pace);
  reader.on("data", ({ length }: Buffer) => (taken += length)).resume();
  await until(() => taken > GREAT_BYTES);
  for (const client of [reader, ...newcomers]) client.destroy();
});

test("an answer in parts is made whether it is read or not, counts as unread, and is whole for whoever reads", async () => {
  const { port, sockets, url } = await start({ unreadBytesMax: 2.5 * GREAT_BYTES });
  const clients: Socket[] = [];
  for (let count = 1; count <= 4; count++) {
    isOver = false;
    clients.push(await unread(port, sockets, "/parts"));
    await until(() => isOver);
    expect(made).toBe(PARTS);
    expect(sockets.filter(({ destroyed }) => destroyed)).toHaveLength(Math.max(0, count - 2));
  }
  expect((await (await fetch(`${url}/parts`)).arrayBuffer()).byteLength).toBe(GREAT_BYTES);
  for (const client of clients) client.destroy();
});

test("small answers and health pass however much waits", async () => {
  const { port, sockets, url } = await start({ unreadBytesMax: 1 });
  const client = await unread(port, sockets);
  expect(await (await fetch(`${url}/small`)).text()).toBe("small");
  expect((await fetch(`${url}/health/live`)).status).toBe(200);
  client.destroy();
});

test("a server that closes does not wait for who neither reads nor sends", async () => {
  const { port, sockets } = await start({ drainMs: 600_000, answerMs: 600_000, bodyMs: 600_000 });
  const reader = await unread(port, sockets);
  const half = connect(port, "127.0.0.1").on("error", () => {});
  half.write("POST /small HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n1");
  await until(() => sockets.length === 2);
  await app!.close();
  expect(sockets.every(({ destroyed }) => destroyed)).toBe(true);
  for (const client of [reader, half]) client.destroy();
});

test("a server that closes waits for the last write of an answer whose client reads", async () => {
  const { port, sockets } = await start({ drainMs: 600_000 });
  const reader = await unread(port, sockets, "/at-once");
  await until(() => sockets[0]!.writableLength > 0);
  const closed = app!.close();
  let taken = 0;
  reader.on("data", ({ length }: Buffer) => (taken += length)).resume();
  await closed;
  await until(() => reader.closed);
  expect(taken).toBeGreaterThan(GREAT_BYTES);
});
