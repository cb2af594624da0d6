/** Where the gateway takes its configuration from. */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import {
  logLevelVariable,
  portVariable,
  readConfig,
  StartupError,
  type TracingConfig,
  tracingVariables,
} from "@teranga/kit/config.ts";
import { loadTopology } from "@teranga/kit/topology.ts";
import { z } from "zod";
import type { GatewaySource } from "./gateway.ts";

export const gatewayVariables = z.object({
  GATEWAY_PORT: portVariable
    .default(4000)
    .describe("The port to listen on; 0 asks the system for a free one. `--port` goes before it."),
  SERVICE_CREDENTIAL: z
    .string()
    .min(16)
    .describe("The secret that the services of a cluster share. With `--supergraph` it may be left out."),
  TOPOLOGY: z
    .string()
    .describe(
      "The path of the topology file. With `--supergraph` it is needed only if the graph has partitions.",
    ),
  LOG_LEVEL: logLevelVariable.describe("The lowest level that is logged."),
  ...tracingVariables,
});

/** The same for a supergraph from a file, whose services may be anybody's. */
const supergraphVariables = gatewayVariables.partial({ SERVICE_CREDENTIAL: true, TOPOLOGY: true });

export interface GatewayConfig {
  source: GatewaySource;
  credential: string | undefined;
  port: number;
  logLevel: string;
  tracing: TracingConfig;
}

/** @param args the command line: `[--supergraph FILE] [--port N]`. @throws StartupError with one line */
export async function readGatewayConfig(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<GatewayConfig> {
  const options = parseOptions(args);
  const variables = options.port === undefined ? env : { ...env, GATEWAY_PORT: options.port };
  if (options.supergraph === undefined) {
    const config = readConfig(gatewayVariables, variables);
    const source: GatewaySource = { kind: "topology", topology: await loadTopology(config.TOPOLOGY) };
    return {
      source,
      credential: config.SERVICE_CREDENTIAL,
      port: config.GATEWAY_PORT,
      logLevel: config.LOG_LEVEL,
      tracing: config,
    };
  }
  const config = readConfig(supergraphVariables, variables);
  const source: GatewaySource = {
    kind: "supergraph",
    supergraphSdl: await readSupergraphFile(options.supergraph),
    ...(config.TOPOLOGY !== undefined && { topology: await loadTopology(config.TOPOLOGY) }),
  };
  return {
    source,
    credential: config.SERVICE_CREDENTIAL,
    port: config.GATEWAY_PORT,
    logLevel: config.LOG_LEVEL,
    tracing: config,
  };
}

function parseOptions(args: readonly string[]): { supergraph?: string; port?: string } {
  try {
    const options = { supergraph: { type: "string" }, port: { type: "string" } } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new StartupError(`Options: ${(error as Error).message.split("\n")[0]}`);
  }
}

async function readSupergraphFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new StartupError(`Supergraph ${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
