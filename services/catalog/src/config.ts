/** The configuration of the catalog service. */

import { doorVariables } from "@teranga/kit/http/door-config.ts";
import { databaseUrlVariable, serviceVariables } from "@teranga/kit/process/config.ts";
import { z } from "zod";

export const catalogVariables = z.object({
  ...serviceVariables,
  ...doorVariables,
  DATABASE_URL: databaseUrlVariable.describe("The catalog's PostgreSQL database, a `postgres://` URL."),
});
