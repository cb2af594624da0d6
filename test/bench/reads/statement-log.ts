/**
 * Counts the SQL statements that reach PostgreSQL, by PostgreSQL's own log: whoever sends them, in whatever
 * form. It is switched on for the count alone, because it costs time.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { openDatabase } from "@teranga/kit/postgres/database.ts";
import type { ReadsCluster } from "./reads-cluster.ts";

const MARK = "teranga-bench:";
const SETTINGS = { log_line_prefix: `'${MARK}%a '`, log_statement: "'all'" } as const;
/** Sessions read new settings between two statements. */
const SETTLE_MS = 200;
const EXECUTED = new RegExp(`^${MARK}(\\S.*?) LOG: +(?:statement|execute [^:]*): (.*(?:\\n\\t.*)*)$`, "gm");

export interface Statement {
  /** The name of the pool, such as `catalog` or `city-dakar looks`. */
  from: string;
  text: string;
}

/** Whether it is a request's read of the catalog. */
export const readsProducts = ({ from, text }: Statement) =>
  from === "catalog" && /\bfrom product\b/.test(text);

/** The statements of all servers during `run`. */
export async function statementsDuring(
  cluster: Pick<ReadsCluster, "processes" | "addressOf" | "logOf">,
  run: () => Promise<unknown>,
): Promise<Statement[]> {
  const servers = cluster.processes().filter(({ kind }) => kind === "postgres");
  const reset = Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, "default"]));
  const configureAll = async (settings: Readonly<Record<string, string>>) => {
    await Promise.all(servers.map(({ url }) => configure(cluster.addressOf(url), settings)));
    await sleep(SETTLE_MS);
  };
  const readAll = () => Promise.all(servers.map(({ name }) => readFile(cluster.logOf(name), "utf8")));
  await configureAll(SETTINGS);
  try {
    const before = await readAll();
    await run();
    const after = await readAll();
    return after.flatMap((log, index) =>
      [...log.slice(before[index]!.length).matchAll(EXECUTED)].map(([, from, text]) => {
        return { from: from!, text: text! };
      }),
    );
  } finally {
    await configureAll(reset);
  }
}

async function configure(url: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const { sql, close } = openDatabase({ url, applicationName: "bench", connections: 1 });
  try {
    for (const [name, value] of Object.entries(settings))
      await sql.unsafe(`alter system set ${name} = ${value}`);
    await sql`select pg_reload_conf()`;
  } finally {
    await close();
  }
}
