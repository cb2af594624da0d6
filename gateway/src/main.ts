/**
 * Runs the gateway: `node gateway/src/main.ts`, configured by the environment (config.ts); or on any federated graph by
 * `node gateway/src/main.ts --supergraph FILE --port N`.
 */
import { runMain } from "@teranga/kit/config.ts";
import { createLogger } from "@teranga/kit/log.ts";
import { closeOnSignal } from "@teranga/kit/shutdown.ts";
import { readGatewayConfig } from "./config.ts";
import { startGateway } from "./gateway.ts";

await runMain(async () => {
  const { source, credential, port, logLevel } = await readGatewayConfig(process.argv.slice(2), process.env);
  const log = createLogger("gateway", logLevel);
  const server = await startGateway({ source, credential, port, log });
  closeOnSignal(() => server.close(), log);
  log.info({ url: server.url }, "the gateway is up");
});
