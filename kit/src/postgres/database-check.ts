/**
 * What a service's database must be for the commit protocol to keep its word, looked at once, at start. A
 * setting that can be mended in DATABASE_URL is refused; one of the whole server is told, since it may be a
 * laptop's or a test's.
 */
import { StartupError } from "../process/config.ts";
import type { Logger } from "../process/log.ts";
import type { Sql } from "./database.ts";

/**
 * `local` is not among them: with a standby that must have it too, a failover would lose what was answered.
 */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  synchronous_commit: ["on", "remote_write", "remote_apply"],
  default_transaction_isolation: ["read committed"],
  // Otherwise no trigger and no foreign key is checked.
  session_replication_role: ["origin"],
};

const ADVISED: Readonly<Record<string, { value: string; otherwise: string }>> = {
  fsync: { value: "on", otherwise: "a power cut can lose decisions" },
  full_page_writes: { value: "on", otherwise: "a power cut can damage the data" },
  log_error_verbosity: { value: "terse", otherwise: "rows of clients get into PostgreSQL's log" },
};

/**
 * Says once what is advised against.
 * @throws StartupError naming each setting that the commit protocol cannot stand on
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
