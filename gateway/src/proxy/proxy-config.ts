/** The partition proxy's configuration, from the command line and the environment. */
import { parseArgs } from "node:util";
import { doorVariables } from "@teranga/kit/http/door-config.ts";
import { readConfig, StartupError, serviceVariables } from "@teranga/kit/process/config.ts";
import { z } from "zod";
import { answerRoomVariables } from "../ground/answer-room-config.ts";

export const proxyVariables = z.object({
  ...serviceVariables,
  ...doorVariables,
  ...answerRoomVariables,
  SUBGRAPH: z
    .string()
    .default("city")
    .describe("The partitioned subgraph of the topology that it stands for. `--subgraph` goes before it."),
});

/** @param args the command line: `[--subgraph NAME] [--port N]`. @throws StartupError, one line */
export function readProxyConfig(args: readonly string[], env: NodeJS.ProcessEnv) {
  const { subgraph, port } = parseOptions(args);
  return readConfig(proxyVariables, {
    ...env,
    ...(subgraph !== undefined && { SUBGRAPH: subgraph }),
    ...(port !== undefined && { PORT: port }),
  });
}

function parseOptions(args: readonly string[]): { subgraph?: string; port?: string } {
  try {
    const options = { subgraph: { type: "string" }, port: { type: "string" } } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new StartupError(`Options: ${(error as Error).message.split("\n")[0]}`);
  }
}
