/**
 * What runs have in common, made once a process: the databases and the schemas. Nothing of one run is left in
 * it for the next.
 */
import { CITY_FILES } from "@teranga/protocol/city/sql-files.ts";
import type { GraphQLError } from "graphql";
import { createCatalogEndpoint } from "./catalog.ts";
import { CityDatabase } from "./databases.ts";
import type { Endpoint } from "./endpoint.ts";
import { createEndpoints, type Endpoints } from "./services.ts";
import { CITY_IDS } from "./shop.ts";

export interface Stage {
  databases: ReadonlyMap<string, CityDatabase>;
  endpoints: Endpoints;
  catalog: Endpoint;
  /** Told of a fault of a service that a caller was not shown. A run sets it. */
  onFault: (error: GraphQLError) => void;
  close(): Promise<void>;
}

/** @param files the cities' SQL files */
export async function openStage(files = CITY_FILES): Promise<Stage> {
  const databases = await CityDatabase.openAll(CITY_IDS, files);
  const stage: Stage = {
    databases: new Map(databases.map((database) => [database.cityId, database])),
    endpoints: createEndpoints((error) => stage.onFault(error)),
    catalog: createCatalogEndpoint(),
    onFault: () => {},
    close: async () => {
      await Promise.all(databases.map((database) => database.close()));
    },
  };
  return stage;
}
