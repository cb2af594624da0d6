/**
 * The door: a server's limits for its connections. They limit the time for a request's head, its body and the
 * reading of its answer, and allow one request at a time. Without limits, half-sent bodies and unread answers
 * are held for ever, and all requests of a pipeline run at once.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance, FastifyReply } from "fastify";
import { codedError, ERROR_CODES } from "../graphql/errors.ts";
import { METRICS_PATH } from "../process/metrics.ts";
import type { OnRefused } from "./refusals.ts";
import { UnreadAnswers } from "./unread-answers.ts";

export interface Door {
  /** The address to listen on. */
  host: string;
  /** From the connection, or the answer before, to the end of a request's headers. */
  headMs: number;
  /** From the beginning to the end of a request's body. */
  bodyMs: number;
  /**
   * From the moment when an answer's bytes are ready until the client has taken them. In an answer of several
   * parts, each part has this time.
   */
  answerMs: number;
  /** How long a connection may be idle. */
  keepAliveMs: number;
  connectionsMax: number;
  /** Requests that are carried out at the same time, over all connections. */
  requestsMax: number;
  /** Bytes of answers that clients have not taken yet, over all connections. */
  unreadBytesMax: number;
  /** How long a closing server waits for its requests, and for clients that go on reading. */
  drainMs: number;
}

export const DEFAULT_DOOR: Door = {
  host: "127.0.0.1",
  headMs: 10_000,
  bodyMs: 30_000,
  answerMs: 30_000,
  // More than the 30 s for which our own clients keep connections (transport.ts). So no connection is closed
  // just as a request leaves on it.
  keepAliveMs: 72_000,
  connectionsMax: 5_000,
  requestsMax: 1_000,
  unreadBytesMax: 256 * 1024 * 1024,
  // Less than the 10 s after which a process is cut off (shutdown.ts).
  drainMs: 8_000,
};

/** Requests of one connection that wait for the one before. */
const PIPELINED_MAX = 10;
/**
 * Requests that are ignored after a client was told that it sent too many.
 * Beyond this the connection is ended.
 */
const IGNORED_MAX = 100;
const CHECK_MS = 500;
/** How long a closing server waits for a client that neither sends nor reads. */
const CLOSING_MS = 2_000;
const RETRY_AFTER_S = "1";

/** The limits that Node itself enforces. */
export function httpOptions({ headMs, bodyMs }: Door) {
  const checkMs = Math.min(CHECK_MS, headMs / 2, bodyMs / 2);
  return {
    headersTimeout: Math.min(headMs, bodyMs),
    requestTimeout: bodyMs,
    connectionsCheckingInterval: Math.ceil(checkMs),
  };
}

/** Applies the door to an app. Must be called before the app's hooks and routes are added. */
export function keepDoor(app: FastifyInstance, door: Door, onRefused: OnRefused): void {
  const { server } = app;
  server.maxConnections = door.connectionsMax;
  server.on("drop", () => onRefused("connections"));
  const connections = connectionsOf(server);
  let isClosing = false;
  const open = runOneAtATime(server, onRefused, (socket) => {
    connections.set(socket, socket.bytesRead);
    if (isClosing) socket.destroySoon();
  });
  const closingMs = Math.min(CLOSING_MS, door.drainMs);
  const unread = new UnreadAnswers(server, open, {
    ...door,
    closingMs,
    onGivenUp: () => onRefused("unread-answer"),
  });
  unread.keep(app);
  const running = boundRequests(app, door.requestsMax, onRefused);
  // Node takes a connection for idle once its answer has ended, although its last bytes may still wait for
  // the client: it cut such answers.
  server.closeIdleConnections = () => {
    isClosing = true;
    for (const [socket, bytesRead] of connections) {
      if (!open.has(socket) && socket.bytesRead === bytesRead) socket.destroy();
    }
  };
  app.addHook("preClose", async () => {
    unread.close();
    const timers = [
      setTimeout(() => endUnsent(connections, running), closingMs),
      setTimeout(() => server.closeAllConnections(), door.drainMs),
    ];
    server.once("close", () => timers.forEach(clearTimeout));
  });
}

/** Each connection, with the bytes that it had sent when its last answer had been taken. */
function connectionsOf(server: Server): Map<Socket, number> {
  const connections = new Map<Socket, number>();
  server.on("connection", (socket: Socket) => {
    connections.set(socket, 0);
    socket.once("close", () => connections.delete(socket));
  });
  return connections;
}

/** Ends connections whose request has not arrived whole. Nothing of such a request has been carried out. */
function endUnsent(connections: ReadonlyMap<Socket, number>, running: ReadonlySet<ServerResponse>): void {
  const kept = new Set(Array.from(running, ({ socket }) => socket));
  for (const socket of connections.keys()) if (!kept.has(socket)) socket.destroy();
}

/** Limits the requests under way. Health and metrics are always answered. */
function boundRequests(
  app: FastifyInstance,
  requestsMax: number,
  onRefused: OnRefused,
): ReadonlySet<ServerResponse> {
  const running = new Set<ServerResponse>();
  const isRefused = (url: string) =>
    running.size >= requestsMax && !url.startsWith("/health/") && url !== METRICS_PATH;
  const refuse = (reply: FastifyReply) => {
    onRefused("overloaded");
    return reply.code(503).header("retry-after", RETRY_AFTER_S).type("application/json").send(overloaded());
  };
  app.addHook("onRequest", async (request, reply) => {
    if (isRefused(request.url)) await refuse(reply);
  });
  // The whole body has arrived at this hook. So a half-sent request does not
  // take the place of a complete one.
  app.addHook("preHandler", async (request, reply) => {
    if (isRefused(request.url)) return refuse(reply);
    running.add(reply.raw);
    reply.raw.once("close", () => running.delete(reply.raw));
  });
  return running;
}

function overloaded(): string {
  return JSON.stringify({ errors: [codedError("OVERLOADED", ERROR_CODES.OVERLOADED).toJSON()] });
}

type Exchange = [IncomingMessage, ServerResponse];

/** The requests of a connection that wait for the current one. */
interface Pipeline {
  waiting: Exchange[];
  /** How many requests were ignored; undefined until one was refused. */
  ignored: number | undefined;
}

/**
 * Runs one request of a connection at a time, in front of the server's own handler. Returns the sockets with
 * a request under way.
 * @param onIdle called when all requests of a connection have been answered
 */
function runOneAtATime(
  server: Server,
  onRefused: OnRefused,
  onIdle: (socket: Socket) => void,
): ReadonlySet<Socket> {
  const [handle] = server.listeners("request") as [(...exchange: Exchange) => void];
  const pipelines = new Map<Socket, Pipeline>();
  const open = new Set<Socket>();
  const run = (pipeline: Pipeline, [request, response]: Exchange) => {
    const { socket } = request;
    open.add(socket);
    response.once("close", () => {
      const next = socket.destroyed ? undefined : pipeline.waiting.shift();
      if (next) return run(pipeline, next);
      open.delete(socket);
      pipelines.delete(socket);
      if (!socket.destroyed) onIdle(socket);
    });
    handle(request, response);
  };
  server.removeAllListeners("request");
  server.on("request", (...exchange: Exchange) => {
    const [{ socket }] = exchange;
    const pipeline = pipelines.get(socket);
    if (!pipeline) {
      const fresh = { waiting: [], ignored: undefined };
      pipelines.set(socket, fresh);
      run(fresh, exchange);
    } else if (pipeline.ignored === undefined && pipeline.waiting.length < PIPELINED_MAX) {
      pipeline.waiting.push(exchange);
    } else {
      if (pipeline.ignored === undefined) onRefused("pipelined");
      refusePipelined(pipeline, exchange);
    }
  });
  return open;
}

/**
 * The first request beyond the limit is refused after the requests before it are answered.
 * The refusal ends the connection.
 */
function refusePipelined(pipeline: Pipeline, [{ socket }, response]: Exchange): void {
  if (pipeline.ignored !== undefined) {
    if (++pipeline.ignored > IGNORED_MAX) socket.destroy();
    return;
  }
  pipeline.ignored = 0;
  const headers = {
    connection: "close",
    "content-type": "application/json",
    "retry-after": RETRY_AFTER_S,
  };
  response.writeHead(503, headers).end(overloaded());
}
