/**
 * A TCP proxy before a service that can refuse, go silent, and stop at a word: the wire is broken, not the code.
 *
 * States: open (passes everything on), refusing (new connections are closed at once, those that exist are cut), silent
 * (connections are accepted and nothing comes back). `onRequest` sees what a client sends before it is passed on.
 */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type ProxyMode = "open" | "refusing" | "silent";

/** Sees a piece of a request; returning false drops the connection instead of passing the piece on. */
export type RequestFilter = (text: string) => boolean;

export interface ServiceProxy {
  /** The endpoint of a GraphQL service through the proxy. */
  url: string;
  /** Any URL of the service, with the proxy's port. */
  before(url: string): string;
  set(mode: ProxyMode): void;
  onRequest(filter: RequestFilter | undefined): void;
  close(): Promise<void>;
}

export async function startProxy(targetPort: number): Promise<ServiceProxy> {
  let mode: ProxyMode = "open";
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
    client.on("data", (data) => {
      if (mode === "silent") return;
      if (filter && !filter(data.toString("latin1"))) {
        client.destroy();
        service.destroy();
        return;
      }
      service.write(data);
    });
    service.on("data", (data) => {
      if (mode !== "silent") client.write(data);
    });
    // What the client has sent before it died still arrives.
    client.on("close", () => service.end());
    service.on("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  const cutAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    before: (url) => Object.assign(new URL(url), { port: String(port) }).href,
    set(next) {
      mode = next;
      if (next !== "silent") cutAll();
    },
    onRequest(next) {
      filter = next;
    },
    async close() {
      cutAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
