/**
 * Runs the gateway: `node gateway/src/main.ts`, configured by the environment (config.ts). For any other
 * federated graph: `node gateway/src/main.ts --supergraph FILE --port N`.
 */
import { runMain } from "@teranga/kit/process/config.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { closeAll, closeOnSignal } from "@teranga/kit/process/shutdown.ts";
import { startTracing } from "@teranga/kit/process/start-tracing.ts";
import { gatewayVariables, readGatewayConfig } from "./config.ts";
import { startGateway } from "./gateway.ts";
import { openIdentity } from "./identity/open-identity.ts";

const usage = {
  command: "node gateway/src/main.ts",
  about: "Runs the gateway over the services of a topology, or on any federated graph.",
  options: {
    "--supergraph FILE":
      "A supergraph made elsewhere; without it one is composed of what the services serve.",
    "--port N": "The port to listen on.",
  },
  variables: gatewayVariables,
};

await runMain(usage, async () => {
  const config = await readGatewayConfig(process.argv.slice(2), process.env);
  const { logLevel, tracing: tracingConfig, identity: identityTerms, ...options } = config;
  const log = createLogger("gateway", logLevel);
  const tracing = await startTracing("gateway", tracingConfig);
  const identity = await openIdentity(identityTerms, log);
  const server = await startGateway({ ...options, identity, log });
  const steps = [
    { name: "the gateway", close: server.close },
    { name: "the keys of tokens", close: identity.close },
    { name: "the spans", close: tracing.stop },
  ];
  closeOnSignal(() => closeAll(steps), log);
  log.info({ url: server.url, engine: config.engine }, "the gateway is up");
});
