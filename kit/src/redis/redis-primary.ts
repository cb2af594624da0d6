/** Finds the server that takes writes: the one of the URL, or the one that the sentinels name. */
import { connectTo, type RedisConnection, reasonOf } from "./redis-connection.ts";
import { type RedisAddress, type RedisTarget, showAddress } from "./redis-url.ts";

/** A sentinel that has not answered by then is left out. */
const SENTINEL_DEADLINE_MS = 500;

/** Opens a connection to the primary. @throws Error with a reason that names no secret */
export async function connectToPrimary(target: RedisTarget, deadlineMs: number): Promise<RedisConnection> {
  const address = await findPrimary(target);
  const { login, database, tls } = target;
  const connection = await connectTo(address, { login, database, tls, deadlineMs });
  try {
    // Sentinels name the old primary for a while; a replica refuses writes.
    const [role] = await connection.send<[string]>(["ROLE"]);
    if (role !== "master") throw new Error(`${showAddress(address)} is a ${role}, which takes no writes`);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** @throws Error if no sentinel answers, or none knows the primary */
export async function findPrimary(target: RedisTarget): Promise<RedisAddress> {
  const { sentinel, addresses } = target;
  if (sentinel === undefined) return addresses[0]!;
  const answers = await Promise.allSettled(addresses.map((address) => askSentinel(address, target)));
  const known = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  // A sentinel that is cut off still names the primary of an earlier epoch.
  const [latest] = known.sort((a, b) => b.epoch - a.epoch);
  if (latest !== undefined) return latest.address;
  const [first] = answers as PromiseRejectedResult[];
  throw new Error(`no sentinel tells the primary ${sentinel.primary} (${reasonOf(first!.reason)})`);
}

async function askSentinel(address: RedisAddress, { sentinel, tls }: RedisTarget) {
  const { login, primary } = sentinel!;
  const connection = await connectTo(address, { login, tls, deadlineMs: SENTINEL_DEADLINE_MS });
  const cut = setTimeout(connection.close, SENTINEL_DEADLINE_MS);
  try {
    const told = pairs(await connection.send<string[]>(["SENTINEL", "MASTER", primary]));
    return {
      address: { host: told.get("ip")!, port: Number(told.get("port")) },
      epoch: Number(told.get("config-epoch")),
    };
  } finally {
    clearTimeout(cut);
    connection.close();
  }
}

/** A flat list of names and values, as Redis answers with it. */
export function pairs(list: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let at = 0; at + 1 < list.length; at += 2) map.set(list[at]!, list[at + 1]!);
  return map;
}
