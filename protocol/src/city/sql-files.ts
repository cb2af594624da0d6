/** The SQL files of a city: its tables, and the functions of the protocol. */
import { fileURLToPath } from "node:url";
import type { DatabaseFiles } from "@teranga/kit/postgres/migrate.ts";

const folder = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

export const CITY_FILES: DatabaseFiles = {
  migrations: folder("migrations"),
  functions: folder("functions"),
  /**
   * The order in which transactions lock these tables. Commits read the fragment, then lock
   * clients and stock. Prepares and decisions lock participations, then stock. All of them, and
   * restocks, write movements and decisions last. A transaction that holds none of these tables
   * waits for no other table of a migration.
   */
  lockOrder: ["fragment", "client", "participation", "stock", "stock_movement", "transaction_decision"],
};
