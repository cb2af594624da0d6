/** Where the catalog service takes its configuration from. */
import { serviceVariables } from "@teranga/kit/config.ts";
import { z } from "zod";

export const catalogVariables = z.object({
  ...serviceVariables,
  DATABASE_URL: z
    .string()
    .startsWith("postgres", "is not a postgres:// URL")
    .describe("The catalog's PostgreSQL database, a `postgres://` URL."),
});
