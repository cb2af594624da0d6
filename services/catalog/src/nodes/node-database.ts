/** The database of one node, as the manager of any node uses it. */
import { type Database, openDatabase, type Sql } from "@teranga/kit/postgres/database.ts";
import { reasonOf } from "@teranga/kit/postgres/member-look.ts";
import { withinMs } from "@teranga/kit/process/timer.ts";
import type { DatabaseNode } from "@teranga/kit/topology/topology.ts";
import { lookAtNode, type NodeLook, schemaOf } from "./node-look.ts";
import type { Peer } from "./plan.ts";

/** A look takes a few milliseconds. A node that takes longer is away. */
const LOOK_LIMIT_MS = 2_000;
/** A host that is gone would hold a connection for minutes. */
const LOOK_LOST_MS = 10_000;
/** The lock of a step, one copy, and questions of clients. */
const CONNECTIONS = 4;

export class NodeDatabase {
  readonly name: string;
  readonly url: string;
  readonly #database: Database;
  /** A connection of its own, since all others may be busy. */
  #looks: Database;
  #underWay: { look: Promise<Peer>; sinceMs: number } | undefined;

  /** @param own the URL of the database of this service, which has the user and the password */
  constructor({ name, database }: DatabaseNode, own: string) {
    this.name = name;
    this.url = withUserOf(own, database);
    this.#database = open(this.url, CONNECTIONS);
    this.#looks = open(this.url, 1);
  }

  get sql(): Sql {
    return this.#database.sql;
  }

  /**
   * Looks at it, one look at a time: one that hangs must not pile others up.
   * @param schema the version of the tables that this service goes by
   */
  async see(schema: number): Promise<Peer> {
    const nowMs = performance.now();
    if (this.#underWay && nowMs - this.#underWay.sinceMs > LOOK_LOST_MS) {
      void this.#looks.close().catch(() => {});
      this.#looks = open(this.url, 1);
      this.#underWay = undefined;
    }
    if (!this.#underWay) {
      const underWay = { look: this.#look(schema), sinceMs: nowMs };
      this.#underWay = underWay;
      const end = () => {
        if (this.#underWay === underWay) this.#underWay = undefined;
      };
      underWay.look.then(end, end);
    }
    try {
      const seen = await withinMs(LOOK_LIMIT_MS, this.#underWay.look);
      return seen ?? { kind: "unreachable", reason: `no answer within ${LOOK_LIMIT_MS} ms` };
    } catch (error) {
      return { kind: "unreachable", reason: reasonOf(error) };
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#database.close(), this.#looks.close()]);
  }

  async #look(schema: number): Promise<Peer> {
    const { sql } = this.#looks;
    const its = await schemaOf(sql);
    if (its !== schema) {
      const reason = `the tables of ${this.name} have version ${its}, those of this node version ${schema}`;
      return its === 0 ? { kind: "unreachable", reason } : { kind: "unusable", reason };
    }
    return this.#judge(await lookAtNode(sql, schema));
  }

  /** A database that has not joined has no name yet. */
  #judge(look: NodeLook): Peer {
    if (look.phase === "NEW" || look.id === this.name) return { kind: "seen", look };
    return { kind: "unusable", reason: `the database at the address of ${this.name} is that of ${look.id}` };
  }
}

/** No limit for a statement: a copy takes as long as it takes. */
function open(url: string, connections: number): Database {
  return openDatabase({
    url,
    applicationName: "catalog nodes",
    connections,
    statementTimeoutMs: 0,
  });
}

/** The user and the password of the own database, and how to encrypt unless the other URL says so itself. */
function withUserOf(own: string, other: string): string {
  const { username, password, searchParams } = new URL(own);
  const url = Object.assign(new URL(other), { username, password });
  if (url.search === "")
    for (const [name, value] of searchParams) if (name.startsWith("ssl")) url.searchParams.set(name, value);
  return url.href;
}

/** The connection string for a subscription: PostgreSQL understands the same URLs. */
export function connectionString(url: string, receiver: string): string {
  const full = new URL(url);
  full.searchParams.set("application_name", `catalog ${receiver}`);
  full.searchParams.set("connect_timeout", "5");
  return full.href;
}
