/**
 * All services of the simulated country in one process, with a path for each city. One city also has a port
 * of its own, where it can be made sick. The process ends when its parent has gone.
 */
import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { startAnswerServer } from "./answer-server.ts";
import { countrySchemas } from "./country.ts";

/** How a city behaves: well; answers slowly; accepts connections and never answers; refuses connections. */
export type Health = "well" | "slow" | "hanging" | "dead";

export interface CountryOrder {
  kind: "become";
  health: Health;
}

export type CountryAnswer = { kind: "listening"; port: number; sickPort: number } | { kind: "became" };

const SLOW_MS = 200;

const schemas = countrySchemas();
let health: Health = "well";

/** `/catalog`, `/c17` for a city's service, `/rows/c17` for its rows. */
function at(path: string) {
  const [first, second] = path.slice(1).split("/");
  const schema = schemas.get(first!);
  if (schema) return { schema, context: { city: second } };
  return { schema: schemas.get("city")!, context: { city: first } };
}

const { port } = await startAnswerServer({ at });
const before = () => (health === "slow" ? sleep(SLOW_MS) : undefined);
let sick = await startAnswerServer({ at, before });
let silent: { server: Server; sockets: Set<Socket> } | undefined;
tell({ kind: "listening", port, sickPort: sick.port });

async function become(next: Health): Promise<void> {
  const listens = (state: Health) => state === "well" || state === "slow";
  if (health === "hanging") await endSilence();
  if (listens(health) && !listens(next)) {
    const closed = new Promise((resolve) => sick.server.close(resolve));
    sick.server.closeAllConnections();
    await closed;
  }
  if (!listens(health) && listens(next)) sick = await startAnswerServer({ at, before }, sick.port);
  if (next === "hanging") await beginSilence();
  health = next;
  tell({ kind: "became" });
}

async function beginSilence(): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(sick.port, "127.0.0.1", resolve));
  silent = { server, sockets };
}

async function endSilence(): Promise<void> {
  for (const socket of silent!.sockets) socket.destroy();
  await new Promise((resolve) => silent!.server.close(resolve));
  silent = undefined;
}

function tell(message: CountryAnswer): void {
  process.send!(message);
}

process.on("message", ({ health: next }: CountryOrder) => void become(next));
process.on("disconnect", () => process.exit(0));
