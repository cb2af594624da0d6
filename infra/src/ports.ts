/** TCP ports of this machine's loopback interface. */
import { createServer } from "node:net";

const HOST = "127.0.0.1";

/** A port nobody listens on now. Somebody else may take it before the caller does: be ready to fail. */
export async function freePort(): Promise<number> {
  const port = await tryListen(0);
  if (port === undefined) throw new Error("the system has no free TCP port");
  return port;
}

/** Whether a server could listen on the port now. */
export async function isPortFree(port: number): Promise<boolean> {
  return (await tryListen(port)) !== undefined;
}

/** Listens for a moment; the port it got, or undefined if it could not. */
function tryListen(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen({ port, host: HOST }, () => {
      const { port: bound } = server.address() as { port: number };
      server.close(() => resolve(bound));
    });
  });
}
