/** The partition proxy's configuration, from the command line and the environment. */
import { doorVariables } from "@teranga/kit/http/door-config.ts";
import { readConfig, serviceVariables } from "@teranga/kit/process/config.ts";
import { readOptions } from "@teranga/kit/process/options.ts";
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

const commandLine = z.object({ subgraph: z.string().optional(), port: z.string().optional() });

/** @param args the command line: `[--subgraph NAME] [--port N]`. @throws StartupError, one line */
export function readProxyConfig(args: readonly string[], env: NodeJS.ProcessEnv) {
  const { subgraph, port } = readOptions(commandLine, args);
  return readConfig(proxyVariables, {
    ...env,
    ...(subgraph !== undefined && { SUBGRAPH: subgraph }),
    ...(port !== undefined && { PORT: port }),
  });
}
