/**
 * Goal: the proxy with which other tests break the wire does what its modes say. Method: a small server and
 * client on real sockets.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type ServiceProxy, startProxy } from "./proxy.ts";

let service: Server;
let proxy: ServiceProxy;
/** The bytes that the service has received. */
let heard: string;
const clients: Socket[] = [];

beforeEach(async () => {
  heard = "";
  service = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      heard += data;
      socket.write(`heard ${data}`);
    });
  });
  await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
  proxy = await startProxy((service.address() as AddressInfo).port);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.close();
  await new Promise((resolve) => service.close(resolve));
});

function open() {
  const socket = connect(proxy.port, "127.0.0.1");
  clients.push(socket);
  const state = { socket, got: "", isClosed: false };
  socket.on("data", (data) => {
    state.got += data;
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    state.isClosed = true;
  });
  return state;
}

test("open: what is said arrives, and the answer comes back", async () => {
  const client = open();
  client.socket.write("a");
  await vi.waitFor(() => expect(client.got).toBe("heard a"));
});

test("mute: what is said arrives, and the answer does not come back", async () => {
  const client = open();
  client.socket.write("a");
  await vi.waitFor(() => expect(client.got).toBe("heard a"));
  proxy.set("mute");
  client.socket.write("b");
  await vi.waitFor(() => expect(heard).toBe("ab"));
  proxy.set("open");
  await vi.waitFor(() => expect(client.isClosed).toBe(true));
  expect(client.got).toBe("heard a");
});

test("silent: nothing arrives; refusing: nobody gets through", async () => {
  proxy.set("silent");
  const silent = open();
  silent.socket.write("a");
  await vi.waitFor(() => expect(silent.socket.bytesWritten).toBe(1));
  proxy.set("refusing");
  await vi.waitFor(() => expect(silent.isClosed).toBe(true));
  const refused = open();
  await vi.waitFor(() => expect(refused.isClosed).toBe(true));
  expect([heard, silent.got, refused.got]).toEqual(["", "", ""]);
});

test("delay: each piece waits, in both directions, and pieces keep their order", async () => {
  const client = open();
  const startMs = performance.now();
  proxy.delay(60);
  client.socket.write("a");
  await vi.waitFor(() => expect(heard).toBe("a"), { interval: 2 });
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(59);
  await vi.waitFor(() => expect(client.got).toBe("heard a"), { interval: 2 });
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(118);
  client.socket.write("b");
  await vi.waitFor(() => expect(client.socket.bytesWritten).toBe(2));
  proxy.delay(0);
  client.socket.write("c");
  await vi.waitFor(() => expect(heard).toMatch(/^abc$/));
});

test("delay: nothing overtakes what waits, also when the timers are late", async () => {
  const client = open();
  proxy.delay(20);
  client.socket.write("a");
  await vi.waitFor(() => expect(client.socket.bytesWritten).toBe(1));
  // The proxy has the piece. Then this process, and so the proxy's timer, is blocked until the piece is long
  // due.
  await new Promise((resolve) => setTimeout(resolve, 5));
  proxy.delay(0);
  client.socket.write("b");
  const untilMs = performance.now() + 60;
  while (performance.now() < untilMs);
  await vi.waitFor(() => expect(heard).toHaveLength(2));
  expect(heard).toBe("ab");
});

test("cut: those that are connected are cut, and can connect again", async () => {
  const client = open();
  client.socket.write("a");
  await vi.waitFor(() => expect(client.got).toBe("heard a"));
  proxy.cut();
  await vi.waitFor(() => expect(client.isClosed).toBe(true));
  const next = open();
  next.socket.write("b");
  await vi.waitFor(() => expect(next.got).toBe("heard b"));
});
