/**
 * Hive's gateway runtime with its planner in Rust, both with their defaults, served by node:http. `SUPERGRAPH` and `PORT` say what and where.
 * `SHARE_REQUESTS` turns on what their own benchmark turns on: identical client requests in flight are answered by one execution.
 */
import { createServer } from "node:http";
import { createGatewayRuntime } from "@graphql-hive/gateway-runtime";
import { unifiedGraphHandler } from "@graphql-hive/router-runtime";

const gateway = createGatewayRuntime({
  supergraph: process.env.SUPERGRAPH!,
  unifiedGraphHandler,
  inboundInflightRequestDeduplication: process.env.SHARE_REQUESTS === "true",
});
createServer(gateway).listen(Number(process.env.PORT), "127.0.0.1");
