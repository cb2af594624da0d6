/** Which port each process of a cluster gets. */
import { StartupError } from "@teranga/kit/process/config.ts";
import { CITIES } from "./cities.ts";
import { isCatalog } from "./members.ts";
import { freePort, isPortFree } from "./ports.ts";

/** A draw of a free port may repeat one that another process of the cluster was given already. */
const DRAWS_MAX = 20;

/**
 * The name of the process whose port each environment variable sets.
 * @param catalog the name of the catalog's service, or of its first node's
 */
export function portVariables(catalog: string): Map<string, string> {
  const cities = CITIES.map(({ id }): [string, string] => [
    `city-${id}`,
    `CITY_PORT_${id.replaceAll("-", "_").toUpperCase()}`,
  ]);
  return new Map([
    ["gateway", "GATEWAY_PORT"],
    [catalog, "CATALOG_PORT"],
    ["orders", "ORDERS_PORT"],
    ["mobile-money", "MOBILE_MONEY_PORT"],
    ...cities,
  ]);
}

/**
 * A port for each process name: the port that the operator asked for, else the port of the run before, else
 * any free one.
 * @throws StartupError if a port that was asked for is taken
 */
export async function assignPorts(
  names: readonly string[],
  asked: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Promise<Record<string, number>> {
  const variables = portVariables(names.find(isCatalog) ?? "");
  const ports: Record<string, number> = {};
  for (const name of names) {
    const variable = variables.get(name) ?? "";
    const port = asked[variable];
    if (!port) continue;
    if (Object.values(ports).includes(port))
      throw new StartupError(`${variable}: port ${port} is given twice`);
    if (!(await isPortFree(port))) throw new StartupError(`${variable}: port ${port} is in use`);
    ports[name] = port;
  }
  for (const name of names) {
    const port = before[name];
    if (ports[name] || !port || Object.values(ports).includes(port)) continue;
    if (await isPortFree(port)) ports[name] = port;
  }
  for (const name of names) ports[name] ??= await drawPort(Object.values(ports));
  return ports;
}

async function drawPort(taken: readonly number[]): Promise<number> {
  for (let draws = 0; draws < DRAWS_MAX; draws++) {
    const port = await freePort();
    if (!taken.includes(port)) return port;
  }
  throw new StartupError("The system has no free TCP ports left");
}
