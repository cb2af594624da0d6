/** The configuration of the catalog service. */

import { doorVariables } from "@teranga/kit/http/door-config.ts";
import { databaseUrlVariable, serviceVariables, stalenessVariable } from "@teranga/kit/process/config.ts";
import { redisVariables } from "@teranga/kit/redis/redis-url.ts";
import { z } from "zod";

export const catalogVariables = z.object({
  ...serviceVariables,
  ...doorVariables,
  ...redisVariables,
  DATABASE_URL: databaseUrlVariable.describe("The catalog's PostgreSQL database, a `postgres://` URL."),
  CATALOG_NODE: z
    .string()
    .optional()
    .describe("The node of the topology that this is, if the catalog has nodes (docs/catalog-nodes.md)."),
  READ_STALENESS_MS: stalenessVariable,
  MERGE_RULES: z
    .string()
    .optional()
    .describe(
      "The file that says how concurrent changes are merged (docs/catalog-nodes.md); the service's own by default.",
    ),
});
