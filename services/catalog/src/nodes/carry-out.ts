/** Carries one action of a plan out, in the node's own database. */
import type { Sql } from "@teranga/kit/postgres/database.ts";
import { PREFIX, PUBLICATION, subscriptionOf } from "./names.ts";
import type { Action } from "./plan.ts";

/** What changes the database; a rebuild is the manager's. */
export type Change = Exclude<Action, { kind: "rebuild" }>;

export async function carryOut(sql: Sql, change: Change): Promise<void> {
  switch (change.kind) {
    case "subscribe":
      return subscribe(sql, change);
    case "repoint":
      return run(sql, `alter subscription %I connection %L`, change.subscription, change.connection);
    case "enable":
      return run(sql, `alter subscription %I enable`, change.subscription);
    case "disable":
      return run(sql, `alter subscription %I disable`, change.subscription);
    case "unsubscribe":
      return unsubscribe(sql, change.subscription);
    case "forget":
      return forget(sql, change.subscription);
    case "drop-slot":
      return dropSlot(sql, change.slot);
    default:
      return change satisfies never;
  }
}

/** The slot was made before. `origin = none`: each node sends its own operations and no other's. */
async function subscribe(
  sql: Sql,
  { peer, connection, slot, identity }: Extract<Change, { kind: "subscribe" }>,
): Promise<void> {
  await sql`
    insert into node_link (peer, identity) values (${peer}, ${identity})
    on conflict (peer) do update set identity = excluded.identity`;
  await run(
    sql,
    `create subscription %I connection %L publication ${PUBLICATION}
     with (slot_name = %L, create_slot = false, copy_data = false, origin = none, streaming = off)`,
    subscriptionOf(peer),
    connection,
    slot,
  );
}

/** The slot is another database's: it may be away, and may have made another one since. */
async function unsubscribe(sql: Sql, subscription: string): Promise<void> {
  await run(sql, `alter subscription %I disable`, subscription);
  await run(sql, `alter subscription %I set (slot_name = none)`, subscription);
  await run(sql, `drop subscription %I`, subscription);
}

/** The database of a node that was removed is not connected to again (fitting.ts). */
async function forget(sql: Sql, subscription: string): Promise<void> {
  await sql`
    insert into removed_node (identity, node)
    select identity, peer from node_link where ${PREFIX} || replace(peer, '-', '_') = ${subscription}
    on conflict do nothing`;
  await unsubscribe(sql, subscription);
}

/** A receiver that is connected is cut off first. */
export async function dropSlot(sql: Sql, slot: string): Promise<void> {
  await sql`select drop_slot(${slot})`;
}

/** Such a statement takes no parameters: PostgreSQL itself quotes its names and texts. */
async function run(sql: Sql, template: string, ...values: string[]): Promise<void> {
  const [row] = await sql<{ text: string }[]>`
    select format(${template}, variadic ${values}::text[]) as text`;
  await sql.unsafe(row!.text);
}
