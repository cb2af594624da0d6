/** TCP ports of this machine's loopback interface. */
import { connect, createServer } from "node:net";

const HOST = "127.0.0.1";

/**
 * The range ends below the ports that systems give to outgoing connections (from 32768 on Linux, 49152
 * elsewhere). Any request of this very process may take one of those before its server listens.
 */
const PORT_MIN = 20_000;
const PORT_MAX = 32_000;
const TRIES_MAX = 100;

/**
 * A port that is free now. Another program may take it before the caller does, so the caller must expect
 * that.
 */
export async function freePort(random: () => number = Math.random): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const port = PORT_MIN + Math.floor(random() * (PORT_MAX - PORT_MIN));
    if ((await tryListen(port)) !== undefined) return port;
  }
  throw new Error(`none of ${TRIES_MAX} TCP ports from ${PORT_MIN} to ${PORT_MAX} was free`);
}

/** Whether a server could listen on the port now. */
export async function isPortFree(port: number): Promise<boolean> {
  return (await tryListen(port)) !== undefined;
}

/**
 * Whether a server listens on the port now. That costs a tenth of the CPU time of a request or of a login,
 * which matters to a program that asks for as long as a server starts.
 */
export function isPortOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: HOST });
    const end = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}

/** Listens for a moment. Returns the port that it got, or undefined if it could not listen. */
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
