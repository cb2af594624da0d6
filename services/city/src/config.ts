/** Where a city's service takes its configuration from. */
import { databaseUrlVariable, serviceVariables } from "@teranga/kit/config.ts";
import { doorVariables } from "@teranga/kit/door-config.ts";
import { z } from "zod";

export const cityVariables = z.object({
  ...serviceVariables,
  ...doorVariables,
  CITY: z.string().describe("The id of the city that it serves, one of the topology's."),
  DATABASE_URL: databaseUrlVariable.describe("The city's own PostgreSQL database, a `postgres://` URL."),
});
