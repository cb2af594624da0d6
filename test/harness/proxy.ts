/**
 * A TCP proxy before a service. It can refuse, go silent, delay, and stop at a word, so tests break the wire
 * and not the code.
 *
 * | mode     | what it does                                                                             |
 * | -------- | ---------------------------------------------------------------------------------------- |
 * | open     | passes everything on                                                                     |
 * | refusing | closes new connections at once; those that exist are cut                                 |
 * | silent   | accepts connections and what is sent on them, and passes nothing on                      |
 * | mute     | passes requests on and drops the answers: everything happens, and no client is told      |
 *
 * A change of mode cuts the existing connections, except a change to silent or mute, which affects requests
 * under way. `delay` holds back each piece in both directions. `onRequest` gets what a client sends before it
 * is passed on.
 */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type ProxyMode = "open" | "refusing" | "silent" | "mute";

/** Gets a piece of a request. Returns false to drop the connection instead of passing the piece on. */
export type RequestFilter = (text: string) => boolean;

export interface ServiceProxy {
  /** The endpoint of a GraphQL service through the proxy. */
  url: string;
  port: number;
  /** A URL of the service with the proxy's port in place of its own. */
  before(url: string): string;
  set(mode: ProxyMode): void;
  /** Sets how long each piece is held back; 0 passes pieces on at once. */
  delay(ms: number): void;
  /** Cuts the existing connections. */
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
    // Errors of a cut connection are expected here.
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
    // The client's last bytes still arrive after it has died.
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
 * Runs actions on a socket in order, each after the delay that was set when it came, and none after the
 * socket has closed. One queue holds them: with a timer for each, timers could overtake one another on a busy
 * machine and change the order of the bytes.
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
    // If others wait before it, a timer is already set.
    if (waiting.length === 1) doWhatIsDue();
  };
}
