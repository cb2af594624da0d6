/** How commands to Redis end, and how long they are waited for. */
import { type RedisConnection, RedisRefusal } from "./redis-connection.ts";

/**
 * How a command went. `unknown`: it was sent, and may have been carried out. `later` is the answer of one
 * that was not waited for.
 */
export type RedisAnswer<Reply> =
  | { kind: "reply"; reply: Reply }
  | { kind: "refused"; message: string }
  | { kind: "away" }
  | { kind: "unknown"; later?: Promise<RedisAnswer<Reply>> };

/** Never rejects. */
export async function answerOf<Reply>(
  connection: RedisConnection,
  command: readonly string[],
): Promise<RedisAnswer<Reply>> {
  try {
    return { kind: "reply", reply: await connection.send<Reply>(command) };
  } catch (error) {
    return error instanceof RedisRefusal ? { kind: "refused", message: error.message } : { kind: "unknown" };
  }
}

/**
 * Undefined if there is no value after so long. An answer that lies in the socket while this process was busy
 * is no late answer: it is read before `setImmediate`.
 */
export function withinTurn<Value>(limitMs: number, value: Promise<Value>): Promise<Value | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => setImmediate(resolve, undefined), limitMs);
    timer.unref();
    void value.then((known) => {
      clearTimeout(timer);
      resolve(known);
    });
  });
}
