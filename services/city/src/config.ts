/** The configuration of a city service. */
import { logLevelVariable, portVariable } from "@teranga/kit/config.ts";
import { z } from "zod";

export const cityVariables = z.object({
  CITY: z.string().describe("The id of the city that this service serves, one of the topology's."),
  DATABASE_URL: z.string().describe("The city's own PostgreSQL database."),
  TOPOLOGY: z.string().describe("The topology file: the other cities, and where they are."),
  SERVICE_CREDENTIAL: z
    .string()
    .min(16, "needs 16 characters or more")
    .describe("The secret that services show one another."),
  PORT: portVariable.describe("The port to listen on; 0 takes a free one."),
  LOG_LEVEL: logLevelVariable.describe("The least severe level that is logged."),
});
