/** Where the catalog service takes its configuration from. */
import { databaseUrlVariable, serviceVariables } from "@teranga/kit/config.ts";
import { z } from "zod";

export const catalogVariables = z.object({
  ...serviceVariables,
  DATABASE_URL: databaseUrlVariable.describe("The catalog's PostgreSQL database, a `postgres://` URL."),
});
