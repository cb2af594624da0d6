/**
 * A TCP proxy before a service that can refuse, go silent, delay, and stop at a word: the wire is broken, not the code.
 *
 * | mode     | what it does                                                                             |
 * | -------- | ---------------------------------------------------------------------------------------- |
 * | open     | passes everything on                                                                     |
 * | refusing | closes new connections at once; those that exist are cut                                 |
 * | silent   | accepts connections and what is sent on them, and passes nothing on                      |
 * | mute     | passes requests on and drops the answers, so that everything happens and nobody is told  |
 *
 * A change of mode cuts the connections that exist, but for one to silent or mute, which catches requests under way. `delay`
 * holds back each piece of both directions. `onRequest` sees what a client sends before it is passed on.
 */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type ProxyMode = "open" | "refusing" | "silent" | "mute";

/** Sees a piece of a request; returning false drops the connection instead of passing the piece on. */
export type RequestFilter = (text: string) => boolean;

export interface ServiceProxy {
  /** The endpoint of a GraphQL service through the proxy. */
  url: string;
  port: number;
  /** Any URL of the service, with the proxy's port. */
  before(url: string): string;
  set(mode: ProxyMode): void;
  /** Holds back each piece for so long; 0 passes them on at once. */
  delay(ms: number): void;
  /** Cuts the connections that exist. */
  cut(): void;
  onRequest(filter: RequestFilter | undefined): void;
  close(): Promise<void>;
}

export async function startProxy(targetPort: number): Promise<ServiceProxy> {
  let mode: ProxyMode = "open";
  let delayMs = 0;
  let filter: RequestFilter | undefined;
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // A cut connection is what this proxy is for.
    socket.on("error", () => socket.destroy());
  };

  const server = createServer((client) => {
    track(client);
    if (mode === "refusing") return client.destroy();
    if (mode === "silent") return client.resume();
    const service = connect(targetPort, "127.0.0.1");
    track(service);
    const toService = createPipe(service, () => delayMs);
    const toClient = createPipe(client, () => delayMs);
    client.on("data", (data) => {
      if (mode === "silent") return;
      if (filter && !filter(data.toString("latin1"))) {
        client.destroy();
        service.destroy();
        return;
      }
      toService(() => service.write(data));
    });
    service.on("data", (data) => {
      if (mode === "open") toClient(() => client.write(data));
    });
    // What the client has sent before it died still arrives.
    client.on("close", () => toService(() => service.end()));
    service.on("close", () => toClient(() => client.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    port,
    before: (url) => Object.assign(new URL(url), { port: String(port) }).href,
    set(next) {
      mode = next;
      if (next === "open" || next === "refusing") cut();
    },
    delay(ms) {
      delayMs = ms;
    },
    cut,
    onRequest(next) {
      filter = next;
    },
    async close() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * Does things to a socket in their order, each after the delay of its time and none after the socket is gone. What waits stands in
 * one queue: timers of their own could overtake one another on a busy machine, and the bytes would arrive in another order.
 */
function createPipe(socket: Socket, delayMs: () => number): (action: () => void) => void {
  const waiting: { atMs: number; action: () => void }[] = [];
  const doWhatIsDue = () => {
    while (waiting.length > 0 && waiting[0]!.atMs <= performance.now()) {
      const { action } = waiting.shift()!;
      if (!socket.destroyed) action();
    }
    if (waiting.length > 0) setTimeout(doWhatIsDue, Math.ceil(waiting[0]!.atMs - performance.now()));
  };
  return (action) => {
    waiting.push({ atMs: performance.now() + delayMs(), action });
    // With others before it a timer is set already.
    if (waiting.length === 1) doWhatIsDue();
  };
}
