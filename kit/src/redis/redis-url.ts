/**
 * REDIS_URL: where Redis is.
 *
 *     redis://user:password@host:6379/0
 *     rediss://host                                           over TLS
 *     redis+sentinel://user:password@host1,host2:26379/NAME   the primary NAME, as the sentinels tell it
 *
 * Sentinels take options after the name: `?db=1`, `?tls=true` (for Redis and sentinels), `?sentinel-user=`
 * and `?sentinel-password=` where the sentinels ask for a password of their own.
 */
import { z } from "zod";

export interface RedisAddress {
  host: string;
  port: number;
}

export interface RedisLogin {
  username: string | undefined;
  password: string | undefined;
}

/** Where Redis is and how to be let in. */
export interface RedisTarget {
  /** The server; or its sentinels, which know where it is. */
  addresses: readonly RedisAddress[];
  /** Present if the addresses are those of sentinels. */
  sentinel: { primary: string; login: RedisLogin } | undefined;
  login: RedisLogin;
  database: number;
  tls: boolean;
}

const REDIS_PORT = 6_379;
const SENTINEL_PORT = 26_379;
const PORT_MAX = 65_535;
const ADDRESSES_MAX = 16;
const OPTIONS = ["db", "tls", "sentinel-user", "sentinel-password"];

/** The user information ends at the last @, the hosts at the first slash. */
const SHAPE = /^(redis|rediss|redis\+sentinel):\/\/(?:(.*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const HOST = /^(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/i;

/** What is wrong with the text. It never repeats the text, which may hold a password. */
class Fault extends Error {}

/** The variable of every program that uses Redis. */
export const redisVariables = {
  REDIS_URL: z
    .string()
    .transform((text, context): RedisTarget => {
      try {
        return parseRedisUrl(text);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        context.addIssue({ code: "custom", message: error.message });
        return z.NEVER;
      }
    })
    .optional()
    .describe(
      "Where Redis is: `redis://`, `rediss://` (TLS) or `redis+sentinel://host1,host2,host3/NAME`. Without it no Redis is used.",
    ),
};

function parseRedisUrl(text: string): RedisTarget {
  const [, scheme, user, hosts = "", path = "", query = ""] = SHAPE.exec(text) ?? [];
  if (scheme === undefined) {
    throw new Fault("is not a URL such as redis://host:6379/0, rediss://host or redis+sentinel://a,b,c/NAME");
  }
  const login = parseLogin(user);
  if (scheme !== "redis+sentinel") {
    if (query !== "") throw new Fault("has options after a ?, which only redis+sentinel:// takes");
    const [address, ...others] = parseAddresses(hosts, REDIS_PORT);
    if (others.length > 0) throw new Fault("names several hosts, which only redis+sentinel:// does");
    const database = parseDatabase(path);
    return { addresses: [address!], sentinel: undefined, login, database, tls: scheme === "rediss" };
  }
  const options = parseOptions(query);
  const primary = decode(path, "name of the primary");
  if (primary === "" || primary.includes("/")) {
    throw new Fault("names no primary after the sentinels, as in redis+sentinel://a,b,c/NAME");
  }
  return {
    addresses: parseAddresses(hosts, SENTINEL_PORT),
    sentinel: {
      primary,
      login: {
        username: options.get("sentinel-user") || undefined,
        password: options.get("sentinel-password") || undefined,
      },
    },
    login,
    database: parseDatabase(options.get("db") ?? ""),
    tls: options.get("tls") === "true",
  };
}

function parseLogin(user: string | undefined): RedisLogin {
  if (user === undefined) return { username: undefined, password: undefined };
  const end = user.indexOf(":");
  const name = end < 0 ? user : user.slice(0, end);
  return {
    username: decode(name, "user") || undefined,
    password: end < 0 ? undefined : decode(user.slice(end + 1), "password"),
  };
}

function parseAddresses(hosts: string, usualPort: number): RedisAddress[] {
  if (hosts === "") throw new Fault("names no host");
  const entries = hosts.split(",");
  if (entries.length > ADDRESSES_MAX) throw new Fault(`names more than ${ADDRESSES_MAX} hosts`);
  return entries.map((entry) => {
    const [, host, port] = HOST.exec(entry) ?? [];
    if (host === undefined) throw new Fault("has a host that is none");
    const number = port === undefined ? usualPort : Number(port);
    if (number < 1 || number > PORT_MAX) throw new Fault(`has a port that is not 1 to ${PORT_MAX}`);
    return { host: host.replace(/^\[|\]$/g, ""), port: number };
  });
}

function parseDatabase(text: string): number {
  if (!/^\d{0,4}$/.test(text)) throw new Fault("has a database that is not a number");
  return Number(text);
}

function parseOptions(query: string): Map<string, string> {
  const options = new Map(new URLSearchParams(query));
  for (const name of options.keys()) {
    if (!OPTIONS.includes(name)) throw new Fault(`has an unknown option; there are ${OPTIONS.join(", ")}`);
  }
  const tls = options.get("tls") ?? "false";
  if (tls !== "true" && tls !== "false") throw new Fault("has an option tls that is not true or false");
  return options;
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Fault(`has a % in the ${what} that begins no code such as %40`);
  }
}

/** The target as it may be shown: without user and password. */
export function showTarget({ addresses, sentinel }: RedisTarget): string {
  const hosts = addresses.map(showAddress).join(",");
  return sentinel === undefined ? hosts : `${sentinel.primary} of the sentinels ${hosts}`;
}

export function showAddress({ host, port }: RedisAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
