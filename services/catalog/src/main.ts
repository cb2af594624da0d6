/**
 * Runs the catalog service: `node services/catalog/src/main.ts`. The environment configures it (config.ts).
 */
import { readConfig, runMain } from "@teranga/kit/process/config.ts";
import { runService } from "@teranga/kit/process/run-service.ts";
import { catalogVariables } from "./config.ts";
import { startCatalog } from "./service.ts";

const usage = {
  command: "node services/catalog/src/main.ts",
  about: "Runs the catalog: what products are.",
  variables: catalogVariables,
};

await runMain(usage, async () => {
  const config = readConfig(catalogVariables, process.env);
  const { DATABASE_URL: databaseUrl, READ_STALENESS_MS: stalenessMs, REDIS_URL: redis } = config;
  const own = {
    databaseUrl,
    node: config.CATALOG_NODE,
    stalenessMs,
    redis,
    mergeRulesFile: config.MERGE_RULES,
  };
  await runService("catalog", config, (options) => startCatalog({ ...options, ...own }));
});
