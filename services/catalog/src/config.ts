/** Where the catalog service takes its configuration from. */
import { logLevelVariable, portVariable } from "@teranga/kit/config.ts";
import { z } from "zod";

export const catalogVariables = z.object({
  PORT: portVariable.describe("The port to listen on; 0 asks the system for a free one."),
  SERVICE_CREDENTIAL: z
    .string()
    .min(16, "needs 16 characters or more")
    .describe("The secret that the services of a cluster share."),
  TOPOLOGY: z.string().describe("The path of the topology file; the catalog needs its cities."),
  LOG_LEVEL: logLevelVariable.describe("The lowest level that is logged."),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "is not a postgres:// URL")
    .describe("The catalog's PostgreSQL database, a postgres:// URL."),
});
