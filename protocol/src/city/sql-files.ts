/** Where the SQL of a city is: its tables, and the functions of the protocol. */
import { fileURLToPath } from "node:url";
import type { DatabaseFiles } from "@teranga/kit/postgres/migrate.ts";

const folder = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

export const CITY_FILES: DatabaseFiles = {
  migrations: folder("migrations"),
  functions: folder("functions"),
  /**
   * Commits read the fragment, then lock clients and stock; prepares and decisions lock participations, then
   * stock; all of them, and restocks, write movements and decisions after. Who holds none of these waits for no
   * other table that a migration has.
   */
  lockOrder: ["fragment", "client", "participation", "stock", "stock_movement", "transaction_decision"],
};
