/** The gateway's configuration, from the command line and the environment. */
import { readFile } from "node:fs/promises";
import { DEADLINE_HEADER } from "@teranga/kit/http/deadline.ts";
import type { Door } from "@teranga/kit/http/door.ts";
import { doorVariables, readDoor } from "@teranga/kit/http/door-config.ts";
import { REQUEST_ID_HEADER } from "@teranga/kit/http/server.ts";
import { IDENTITY_HEADER } from "@teranga/kit/identity/assertion.ts";
import {
  countVariable,
  logLevelVariable,
  portVariable,
  readConfig,
  StartupError,
  secretVariable,
  type TracingConfig,
  tracingVariables,
} from "@teranga/kit/process/config.ts";
import { readOptions } from "@teranga/kit/process/options.ts";
import { READ_AFTER_HEADER } from "@teranga/kit/reads/read-headers.ts";
import { type RedisTarget, redisVariables } from "@teranga/kit/redis/redis-url.ts";
import { loadTopology } from "@teranga/kit/topology/topology.ts";
import { z } from "zod";
import { AUTHORIZATION_MODES, type AuthorizationMode } from "./authorization/authorization.ts";
import { cacheVariables } from "./cache/cache-config.ts";
import type { Surface } from "./door/surface.ts";
import { readSurface, surfaceVariables } from "./door/surface-config.ts";
import { answerRoomVariables } from "./ground/answer-room-config.ts";
import { type IdentityTerms, identityVariables, readIdentity } from "./identity/identity-config.ts";
import { ENGINE_NAMES, type EngineName } from "./live/engines.ts";
import type { GraphSource } from "./live/graph-watch.ts";
import { SESSION_HEADER } from "./session/session.ts";

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
/** Headers to services that the gateway or HTTP itself sets. */
const RESERVED_HEADERS = new Set([
  "connection",
  "content-length",
  "content-type",
  "host",
  "traceparent",
  "tracestate",
  "transfer-encoding",
  DEADLINE_HEADER,
  IDENTITY_HEADER,
  REQUEST_ID_HEADER,
  READ_AFTER_HEADER,
  SESSION_HEADER,
]);

/** An origin as browsers write it: no path, no slash at the end, no default port. */
function isOrigin(text: string): boolean {
  return URL.parse(text)?.origin === text;
}

export const gatewayVariables = z.object({
  GATEWAY_PORT: portVariable
    .default(4000)
    .describe("The port to listen on; 0 asks the system for a free one. `--port` goes before it."),
  SERVICE_CREDENTIAL: secretVariable.describe(
    "The secret that the services of a cluster share. With `--supergraph` it may be left out.",
  ),
  TOPOLOGY: z
    .string()
    .describe(
      "The path of the topology file. With `--supergraph` it is needed only if the graph has partitions.",
    ),
  GATEWAY_ENGINE: z
    .enum(ENGINE_NAMES)
    .default("teranga")
    .describe(
      "Who plans operations and carries them out: `teranga`, our own engine, or `apollo`, stock `@apollo/gateway` (docs/engines.md).",
    ),
  AUTHORIZATION_MODE: z
    .enum(AUTHORIZATION_MODES)
    .default("null")
    .describe(
      "What becomes of an operation with a field that whoever asks may not have: `null`, that field is null and the rest is answered, or `reject`, nothing is. The engine `apollo` always rejects.",
    ),
  FORWARDED_HEADERS: z
    .string()
    .default("")
    .transform((text) => text.split(",").map((name) => name.trim().toLowerCase()))
    .transform((names) => names.filter((name) => name !== ""))
    .refine((names) => names.every((name) => HEADER_NAME.test(name)), "a header's name has other characters")
    .refine(
      (names) => !names.some((name) => RESERVED_HEADERS.has(name)),
      "names a header of the gateway's own",
    )
    .describe("The client's headers that services get to see, with commas between; none by default."),
  GATEWAY_DEADLINE_MS: countVariable({ least: 10, most: 60_000, usual: 5_000 }).describe(
    "How long one request to a service may take, in milliseconds; a client's request has three times that.",
  ),
  ...answerRoomVariables,
  ...cacheVariables,
  ...redisVariables,
  SHARE_QUERIES: z
    .enum(["true", "false"])
    .default("true")
    .transform((text) => text === "true")
    .describe(
      "`true` or `false`: whether equal queries to a service that are under way at once are sent as one.",
    ),
  SUPERGRAPH_CACHE: z
    .string()
    .optional()
    .describe(
      "The path of a file that keeps the last supergraph, for a start at which no service answers. Not with `--supergraph`.",
    ),
  SCHEMA_POLL_MS: countVariable({ least: 100, most: 3_600_000, usual: 10_000 }).describe(
    "How often services are asked for their schema, in milliseconds. Not with `--supergraph`.",
  ),
  ...identityVariables,
  ...surfaceVariables,
  ...doorVariables,
  PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: "is not an http or https URL" })
    .optional()
    .describe(
      "The URL at which clients find the endpoint, if that is not where it listens: it is what the log says, and in development its host is answered to.",
    ),
  CORS_ORIGINS: z
    .string()
    .transform((text) => text.split(",").map((origin) => origin.trim()))
    .refine((origins) => origins.every(isOrigin), "is not a list of origins such as https://shop.example")
    .optional()
    .describe(
      "The origins whose pages may ask, also with cookies, with commas between, each as `https://shop.example`; none in production by default, and none with cookies.",
    ),
  LOG_LEVEL: logLevelVariable.describe("The lowest level that is logged."),
  ...tracingVariables,
});

/** The same for a supergraph from a file, whose services may belong to others. */
const supergraphVariables = gatewayVariables.partial({ SERVICE_CREDENTIAL: true, TOPOLOGY: true });

export interface GatewayConfig {
  source: GraphSource;
  engine: EngineName;
  authorizationMode: AuthorizationMode;
  credential: string | undefined;
  identity: IdentityTerms;
  port: number;
  door: Door;
  publicUrl: string | undefined;
  corsOrigins: readonly string[] | undefined;
  cacheFile: string | undefined;
  schemaPollMs: number;
  /** In lower case. */
  forwardedHeaders: readonly string[];
  deadlineMs: number;
  answerBytesMax: number;
  cacheBytesMax: number;
  redis: RedisTarget | undefined;
  shareQueries: boolean;
  surface: Surface;
  logLevel: string;
  tracing: TracingConfig;
}

const commandLine = z.object({ supergraph: z.string().optional(), port: z.string().optional() });

/** @param args the command line: `[--supergraph FILE] [--port N]`. @throws StartupError, one line */
export async function readGatewayConfig(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<GatewayConfig> {
  const options = readOptions(commandLine, args);
  const variables = options.port === undefined ? env : { ...env, GATEWAY_PORT: options.port };
  if (options.supergraph === undefined) {
    const config = readConfig(gatewayVariables, variables);
    const topology = await loadTopology(config.TOPOLOGY);
    return configOf(config, { kind: "topology", topology, topologyFile: config.TOPOLOGY });
  }
  const config = readConfig(supergraphVariables, variables);
  return configOf(config, {
    kind: "supergraph",
    supergraphSdl: await readSupergraphFile(options.supergraph),
    supergraphFile: options.supergraph,
    ...(config.TOPOLOGY !== undefined && {
      topology: await loadTopology(config.TOPOLOGY),
      topologyFile: config.TOPOLOGY,
    }),
  });
}

async function configOf(
  config: z.infer<typeof supergraphVariables>,
  source: GraphSource,
): Promise<GatewayConfig> {
  if (config.SERVICE_CREDENTIAL !== undefined && config.FORWARDED_HEADERS.includes("authorization")) {
    throw new StartupError(
      "FORWARDED_HEADERS: authorization carries SERVICE_CREDENTIAL, not what a client says",
    );
  }
  const surface = await readSurface(config);
  return {
    source,
    engine: config.GATEWAY_ENGINE,
    authorizationMode: config.AUTHORIZATION_MODE,
    credential: config.SERVICE_CREDENTIAL,
    identity: readIdentity(config, surface.mode === "development"),
    port: config.GATEWAY_PORT,
    door: readDoor(config, config.NODE_ENV),
    publicUrl: config.PUBLIC_URL,
    corsOrigins: config.CORS_ORIGINS,
    cacheFile: config.SUPERGRAPH_CACHE,
    schemaPollMs: config.SCHEMA_POLL_MS,
    forwardedHeaders: config.FORWARDED_HEADERS,
    deadlineMs: config.GATEWAY_DEADLINE_MS,
    answerBytesMax: config.ANSWER_BYTES_MAX,
    cacheBytesMax: config.CACHE_BYTES_MAX,
    redis: config.REDIS_URL,
    shareQueries: config.SHARE_QUERIES,
    surface,
    logLevel: config.LOG_LEVEL,
    tracing: config,
  };
}

async function readSupergraphFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new StartupError(`Supergraph ${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
