/** Runs the orders service: `node services/orders/src/main.ts`. The environment configures it (config.ts). */
import { readConfig, runMain } from "@teranga/kit/process/config.ts";
import { runService } from "@teranga/kit/process/run-service.ts";
import { ordersVariables } from "./config.ts";
import { startOrders } from "./service.ts";

const usage = {
  command: "node services/orders/src/main.ts",
  about: "Runs the orchestrator of orders, cancellations and transfers.",
  variables: ordersVariables,
};

await runMain(usage, () => runService("orders", readConfig(ordersVariables, process.env), startOrders));
