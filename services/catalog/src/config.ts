/** Where the catalog service takes its configuration from. */
import { databaseUrlVariable, serviceVariables } from "@teranga/kit/config.ts";
import { doorVariables } from "@teranga/kit/door-config.ts";
import { z } from "zod";

export const catalogVariables = z.object({
  ...serviceVariables,
  ...doorVariables,
  DATABASE_URL: databaseUrlVariable.describe("The catalog's PostgreSQL database, a `postgres://` URL."),
});
