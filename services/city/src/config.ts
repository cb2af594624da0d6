/** Where a city's service takes its configuration from. */
import { countVariable, databaseUrlVariable, serviceVariables } from "@teranga/kit/config.ts";
import { doorVariables } from "@teranga/kit/door-config.ts";
import { z } from "zod";

export const cityVariables = z.object({
  ...serviceVariables,
  ...doorVariables,
  CITY: z.string().describe("The id of the city that it serves, one of the topology's."),
  DATABASE_URL: databaseUrlVariable.describe("The city's own PostgreSQL database, a `postgres://` URL."),
  HORIZON_DAYS: countVariable({ least: 1, most: 3_650, usual: 30 }).describe(
    "For how many days aborted transactions are kept. What comes of an older one that is not known is refused, so no clock may be so far behind.",
  ),
});
