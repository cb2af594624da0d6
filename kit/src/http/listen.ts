/** Where a server listens, and what monitoring asks of it. */
import type { FastifyInstance } from "fastify";
import { StartupError } from "../process/config.ts";
import { DEFAULT_DOOR } from "./door.ts";

/** How soon a closing server notices that a connection is idle. */
const IDLE_CHECK_MS = 20;

export type Notes = () => Promise<readonly string[]>;

export interface RunningServer {
  /** The GraphQL endpoint. */
  url: string;
  port: number;
  /** Stops accepting requests, waits for those under way, and closes. */
  close(): Promise<void>;
}

/**
 * Listens and returns the address. When the app closes, a connection with a request under way is
 * ended after its answer. Otherwise a client that keeps the connection alive would hold the
 * server open for over a minute.
 * @throws StartupError if the port is taken, after running `stop`
 */
export async function listen(
  app: FastifyInstance,
  port: number,
  stop: () => Promise<void>,
  host = DEFAULT_DOOR.host,
): Promise<Pick<RunningServer, "url" | "port">> {
  app.addHook("preClose", async () => {
    const timer = setInterval(() => app.server.closeIdleConnections(), IDLE_CHECK_MS);
    app.server.once("close", () => clearInterval(timer));
  });
  try {
    // For the name "localhost" Fastify would start a second server, which has no door.
    await app.listen({ port, host: host === "localhost" ? "127.0.0.1" : host });
  } catch (error) {
    await stop();
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") throw new StartupError(`Port ${port} is taken`);
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || code === "EINVAL") {
      throw new StartupError(`HOST: this machine has no address ${host}`);
    }
    throw error;
  }
  const { port: bound } = app.server.address() as { port: number };
  return { url: `http://${reachableHost(host)}:${bound}/graphql`, port: bound };
}

/** The host by which this machine reaches a server that listens there. */
function reachableHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

/**
 * /health/live: the process runs. /health/ready: the service can do its work, with
 * notes for people; 503 if it cannot.
 */
export function addHealth(
  app: FastifyInstance,
  checkReady: () => Promise<unknown>,
  notes: Notes = async () => [],
): void {
  app.get("/health/live", async () => ({ status: "live" }));
  app.get("/health/ready", async (_request, reply) => {
    try {
      await checkReady();
      const found = await notes();
      return { status: "ready", ...(found.length > 0 && { notes: found }) };
    } catch {
      return reply.code(503).send({ status: "not ready" });
    }
  });
}
