/** Where `npm start` and the commands about a cluster that runs take their configuration from. */
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { logLevelVariable, portVariable, readConfig, StartupError } from "@teranga/kit/process/config.ts";
import { z } from "zod";

/** The checkout. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const CITY_PORT = "CITY_PORT_";
const otherPort = portVariable.default(0);

/** What a node is called in the topology file, but for `none`. */
const NODE_NAME = /^[a-z][a-z0-9-]{0,29}$/;
/** Each is a server and a service, and each sends to each other one. */
const NODES_MAX = 8;

const catalogNodes = z.string().transform((text, context): string[] => {
  if (text === "none") return [];
  const names = text.split(",").map((name) => name.trim());
  const wrong = names.find((name) => !NODE_NAME.test(name) || name === "none");
  const refuse = (message: string) => {
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  };
  if (wrong !== undefined) return refuse(`${JSON.stringify(wrong)} is not a name (dakar,thies), or none`);
  if (new Set(names).size < names.length) return refuse("names a node twice");
  return names.length > NODES_MAX ? refuse(`names more than ${NODES_MAX} nodes`) : names;
});

export const clusterVariables = z.object({
  TERANGA_HOME: z
    .string()
    .default(".teranga")
    .describe("The directory with the cluster's data, logs and secrets; relative to the checkout."),
  GATEWAY_PORT: portVariable.default(4000).describe("The gateway's port; 0 takes a free one."),
  CATALOG_NODES: catalogNodes
    .default(["dakar", "thies"])
    .describe(
      "Where the catalog is written, the nearest first, with commas between; `none` for one database.",
    ),
  CATALOG_PORT: otherPort.describe(
    "The port of the catalog, or of its first node; 0 takes a free one and keeps to it.",
  ),
  ORDERS_PORT: otherPort.describe("The orders service's port; 0 takes a free one and keeps to it."),
  MOBILE_MONEY_PORT: otherPort.describe(
    "The simulated mobile-money company's port; 0 takes a free one and keeps to it.",
  ),
  CITY_PORT_DAKAR: otherPort.describe("The port of Dakar's service; 0 takes a free one and keeps to it."),
  CITY_PORT_THIES: otherPort.describe("The port of Thiès' service; 0 takes a free one and keeps to it."),
  CITY_PORT_SAINT_LOUIS: otherPort.describe(
    "The port of Saint-Louis' service; 0 takes a free one and keeps to it.",
  ),
  CITY_PORT_AUTRES: otherPort.describe(
    "The port of the service of Autres; 0 takes a free one and keeps to it.",
  ),
  LOG_LEVEL: logLevelVariable.describe("The least severe level that the services log."),
});

export interface ClusterConfig {
  /** Absolute path. */
  home: string;
  /** The nodes of the catalog, the nearest first; none if it has one database. */
  catalogNodes: readonly string[];
  /** The ports that the operator asked for, by variable; 0 or missing means any free port. */
  ports: Readonly<Record<string, number>>;
  logLevel: string;
}

/** @throws StartupError naming the variables that are wrong. */
export function readClusterConfig(env: NodeJS.ProcessEnv): ClusterConfig {
  refuseUnknownPorts(env);
  const { TERANGA_HOME, CATALOG_NODES, LOG_LEVEL, ...ports } = readConfig(clusterVariables, env);
  return { home: resolve(ROOT, TERANGA_HOME), catalogNodes: CATALOG_NODES, ports, logLevel: LOG_LEVEL };
}

/**
 * With a misspelt city in the variable's name, the city would get any free port, and the operator would look
 * for it at the port that was asked for.
 */
function refuseUnknownPorts(env: NodeJS.ProcessEnv): void {
  const known = Object.keys(clusterVariables.shape).filter((name) => name.startsWith(CITY_PORT));
  const unknown = Object.keys(env).filter((name) => name.startsWith(CITY_PORT) && !known.includes(name));
  if (unknown.length === 0) return;
  throw new StartupError(
    `Configuration: ${unknown.sort().join(", ")}: there is no such city; there is only ${known.join(", ")}`,
  );
}

/** The path of a program of the workspace. */
export function programPath(path: string): string {
  return join(ROOT, path);
}
