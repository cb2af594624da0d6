/**
 * One connection to one Redis server. It is never mended: whoever owns it opens another (redis-link.ts).
 */
import { setTimeout as delay } from "node:timers/promises";
import type { RedisAddress, RedisLogin } from "./redis-url.ts";

export interface RedisConnection {
  /** The server; a restart or a fail-over gives another id. */
  server: { address: RedisAddress; runId: string };
  /** @throws RedisRefusal, or any other error if the connection is lost; then the outcome is unknown */
  send<Reply>(command: readonly string[]): Promise<Reply>;
  /** Resolves with the reason when the connection is lost, or after `close`. Never rejects. */
  ended: Promise<string>;
  /** Commands under way are rejected. */
  close(): void;
}

/** The server has answered a command with an error. */
export class RedisRefusal extends Error {
  override name = "RedisRefusal";
}

export interface ConnectOptions {
  login: RedisLogin;
  database?: number;
  tls: boolean;
  /** How long all of it may take: the name, the connection, the password. */
  deadlineMs: number;
}

/** Commands that may wait on one connection; more are rejected. */
const COMMANDS_MAX = 10_000;

let library: ReturnType<typeof loadLibrary> | undefined;

/** Loaded by those that use Redis only: it costs 250 ms and 18 MB. */
async function loadLibrary() {
  const { createClient, ErrorReply } = await import("@redis/client");
  const template = createClient({
    RESP: 2,
    disableOfflineQueue: true,
    commandsQueueMaxLength: COMMANDS_MAX,
    disableClientInfo: true,
    maintNotifications: "disabled",
  });
  return { template, ErrorReply };
}

/** @throws Error with a reason that names no secret */
export async function connectTo(address: RedisAddress, options: ConnectOptions): Promise<RedisConnection> {
  library ??= loadLibrary();
  const { template, ErrorReply } = await library;
  const socket = { ...address, reconnectStrategy: false as const, connectTimeout: options.deadlineMs };
  // Made from options, a client gets a class of its own, with 800 methods, unless the last one had the same
  // options: 60 ms of CPU. A program that asks three sentinels each second did nothing else.
  const client = template.duplicate({
    socket: options.tls ? { ...socket, tls: true } : socket,
    ...(options.login.username === undefined ? {} : { username: options.login.username }),
    ...(options.login.password === undefined ? {} : { password: options.login.password }),
    database: options.database ?? 0,
  });
  const { promise: ended, resolve: end } = Promise.withResolvers<string>();
  client.on("error", (error) => end(reasonOf(error)));
  client.on("end", () => end("closed"));
  const close = () => client.destroy();
  const send = async <Reply>(command: readonly string[]): Promise<Reply> => {
    try {
      return (await client.sendCommand(command)) as Reply;
    } catch (error) {
      throw error instanceof ErrorReply ? new RedisRefusal(error.message) : error;
    }
  };
  try {
    const runId = await within(options.deadlineMs, async () => {
      await client.connect();
      return runIdOf(await send<string>(["INFO", "server"]));
    });
    return { server: { address, runId }, send, ended, close };
  } catch (error) {
    close();
    throw new Error(reasonOf(error), { cause: error });
  }
}

async function within<Value>(deadlineMs: number, run: () => Promise<Value>): Promise<Value> {
  const cancel = new AbortController();
  const late = delay(deadlineMs, undefined, { signal: cancel.signal, ref: false }).then(() => {
    throw new Error(`no answer within ${deadlineMs} ms`);
  });
  try {
    return await Promise.race([run(), late]);
  } finally {
    cancel.abort();
    late.catch(() => {});
  }
}

function runIdOf(info: string): string {
  return /^run_id:(\w+)/m.exec(info)?.[1] ?? "";
}

/** A short reason for people: the code of the system's error or the server's own words. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
