/** The gateways under audit, each on a free port over a supergraph. */
import { ApolloGateway } from "@apollo/gateway";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { surfaceOf } from "@teranga/gateway/door/surface.ts";
import { startGateway } from "@teranga/gateway/gateway.ts";
import { createLogger } from "@teranga/kit/process/log.ts";

/** `apollo` is our gateway with `GATEWAY_ENGINE=apollo`; `stock` has nothing of ours. */
export const GATEWAY_NAMES = ["ours", "apollo", "stock"] as const;
export type GatewayName = (typeof GATEWAY_NAMES)[number];

export interface AuditedGateway {
  url: string;
  close(): Promise<void>;
}

export async function startAudited(name: GatewayName, supergraphSdl: string): Promise<AuditedGateway> {
  switch (name) {
    case "ours":
    case "apollo": {
      const engine = name === "ours" ? "teranga" : name;
      const log = createLogger("gateway", process.env.TEST_LOG_LEVEL ?? "silent");
      const surface = { ...surfaceOf("production"), introspection: true };
      return startGateway({ source: { kind: "supergraph", supergraphSdl }, engine, surface, port: 0, log });
    }
    case "stock":
      return startStock(supergraphSdl);
    default:
      return name satisfies never;
  }
}

/** Apollo Server over `@apollo/gateway`, silent, otherwise with their defaults. */
async function startStock(supergraphSdl: string): Promise<AuditedGateway> {
  const silent = createLogger("stock", "silent");
  // It would ask the metadata services of five clouds where it runs, and tell Apollo.
  process.env.APOLLO_TELEMETRY_DISABLED = "true";
  const gateway = new ApolloGateway({ supergraphSdl, logger: silent });
  const server = new ApolloServer({ gateway, logger: silent, stopOnTerminationSignals: false });
  const { url } = await startStandaloneServer(server, { listen: { port: 0, host: "127.0.0.1" } });
  return { url, close: () => server.stop() };
}

export interface Answer {
  data?: unknown;
  errors?: { message: string; path?: (string | number)[] }[];
}

export async function ask(
  url: string,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<Answer> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  return (await answer.json()) as Answer;
}

/** The time that the public audit allows a gateway for an answer. */
const ANSWER_TIMEOUT_MS = 10_000;
