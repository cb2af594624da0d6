/**
 * Checks once, at start, that a service's database can keep the commit protocol's promises. A wrong setting
 * that DATABASE_URL can correct is refused. A setting of the whole server only gets a warning, since it may
 * be a laptop's or a test's.
 */
import { StartupError } from "../process/config.ts";
import type { Logger } from "../process/log.ts";
import type { Sql } from "./database.ts";

/**
 * `local` is not allowed: with a standby that must have the data too, a
 * failover would lose committed answers.
 */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  synchronous_commit: ["on", "remote_write", "remote_apply"],
  default_transaction_isolation: ["read committed"],
  // With another value no trigger and no foreign key is checked.
  session_replication_role: ["origin"],
};

const ADVISED: Readonly<Record<string, { value: string; otherwise: string }>> = {
  fsync: { value: "on", otherwise: "a power cut can lose decisions" },
  full_page_writes: { value: "on", otherwise: "a power cut can damage the data" },
  log_error_verbosity: { value: "terse", otherwise: "rows of clients get into PostgreSQL's log" },
};

/**
 * Warns once of settings that are advised against.
 * @throws StartupError naming each setting on which the commit protocol cannot rely
 */
export async function checkDatabase(sql: Sql, log: Logger): Promise<void> {
  const names = [...Object.keys(REQUIRED), ...Object.keys(ADVISED)];
  const rows = await sql<{ name: string; setting: string }[]>`
    select name, setting from pg_settings where name = any (${names})`;
  const settings = new Map(rows.map(({ name, setting }) => [name, setting]));

  const wrong = Object.entries(REQUIRED)
    .filter(([name, values]) => !values.includes(settings.get(name) ?? ""))
    .map(([name, values]) => `${name} is ${settings.get(name)}, and must be ${values.join(" or ")}`);
  if (wrong.length > 0) throw new StartupError(`DATABASE_URL: ${wrong.join("; ")}`);

  const risks = Object.entries(ADVISED)
    .filter(([name, { value }]) => settings.get(name) !== value)
    .map(([name, { otherwise }]) => `${name} is ${settings.get(name)}: ${otherwise}`);
  if (risks.length > 0) log.warn({ risks }, "PostgreSQL is set up in a way that is not for production");
}
