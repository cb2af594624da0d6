/**
 * Hive's gateway runtime with its planner in Rust, both with their defaults, served by node:http.
 * `SUPERGRAPH` is the supergraph file, `PORT` the port. `SHARE_REQUESTS` turns on an option of Hive's own
 * benchmark: one execution answers identical client requests in flight.
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
