/** What a node's database says of itself. */
import { withoutDeadline } from "@teranga/kit/http/deadline.ts";
import type { Sql } from "@teranga/kit/postgres/database.ts";

/** NEW: copies another node's data before it serves. REBUILDING: serves, and copies another node's data. */
export type NodePhase = "NEW" | "JOINED" | "REBUILDING";

/** A slot: what the database keeps for a node that receives from it. */
export interface SlotLook {
  name: string;
  /** The node was away for longer than the slot may keep WAL. */
  isLost: boolean;
  isActive: boolean;
  /** What the receiver has not confirmed yet. */
  lagBytes: number;
  /** Up to where the receiver has confirmed. */
  confirmed: number;
}

/** A subscription: what the database receives from another node. */
export interface SubscriptionLook {
  name: string;
  isEnabled: boolean;
  /** Whether a worker of the server applies what comes. */
  isRunning: boolean;
  connection: string;
  /** Up to where the other node's log is applied; null if nothing was. */
  applied: number | null;
  errors: number;
}

/** Positions are bytes of the log of the database that has it. */
export interface NodeLook {
  id: string;
  phase: NodePhase;
  paused: boolean;
  /** Of the data: a database that is made anew has another. */
  identity: string;
  /** The number of the database on its server. */
  number: number;
  /** The version of its tables. */
  schema: number;
  flushed: number;
  /** By its own clock. */
  nowMs: number;
  hasOperations: boolean;
  slots: SlotLook[];
  subscriptions: SubscriptionLook[];
  /** The databases of the other nodes that its subscriptions belong to, by node. */
  links: Record<string, string>;
  /** The databases of nodes that the topology has no longer. */
  removed: string[];
  /** When each node last wrote that it lives, as far as that has come here: milliseconds of its own clock. */
  reports: Record<string, number>;
  refused: number;
  kept: number;
}

/** The version of the tables; 0 if there are none. */
export async function schemaOf(sql: Sql): Promise<number> {
  const [there] = await sql<{ is: boolean }[]>`select to_regclass('schema_version') is not null as is`;
  if (!there!.is) return 0;
  const [row] = await sql<{ version: number }[]>`
    select coalesce(max(version), 0)::int as version from schema_version`;
  return row!.version;
}

/** @throws the database's error, also if its tables are of another version */
export function lookAtNode(sql: Sql, schema: number): Promise<NodeLook> {
  return withoutDeadline(async () => {
    const [row] = await sql<Omit<NodeLook, "schema">[]>`
      with own as (select oid from pg_database where datname = current_database())
      select (select id from this_node) as id, phase, paused, own.oid::int as number,
        (select system_identifier::text from pg_control_system()) || '/' || own.oid as identity,
        (pg_current_wal_flush_lsn() - '0/0')::bigint as flushed,
        (extract(epoch from wall_clock()) * 1000)::bigint as "nowMs",
        exists (select from operation) as "hasOperations",
        (select count(*)::int from (select from refused_operation limit 1000) found) as refused,
        (select count(*)::int from (select from kept_operation limit 1000) found) as kept,
        (select coalesce(jsonb_object_agg(peer, node_link.identity), '{}') from node_link) as links,
        (select coalesce(jsonb_agg(removed_node.identity), '[]') from removed_node) as removed,
        (select coalesce(jsonb_object_agg(node, (extract(epoch from at) * 1000)::bigint), '{}') from node_report)
          as reports,
        (
          select coalesce(jsonb_agg(jsonb_build_object(
            'name', slot_name, 'isLost', wal_status = 'lost' or invalidation_reason is not null,
            'isActive', active,
            'confirmed', coalesce(confirmed_flush_lsn - '0/0', 0)::bigint,
            'lagBytes', greatest(0, coalesce(pg_current_wal_flush_lsn() - confirmed_flush_lsn, 0))::bigint
          )), '[]') from pg_replication_slots
          where datoid = own.oid and not temporary and starts_with(slot_name, 'teranga_')
        ) as slots,
        (
          select coalesce(jsonb_agg(jsonb_build_object(
            'name', pg_subscription.subname, 'isEnabled', subenabled, 'connection', subconninfo,
            'isRunning', running.pid is not null, 'errors', coalesce(apply_error_count, 0),
            'applied', (remote_lsn - '0/0')::bigint
          )), '[]')
          from pg_subscription
          left join pg_stat_subscription running on running.subid = pg_subscription.oid
          left join pg_stat_subscription_stats stats on stats.subid = pg_subscription.oid
          left join pg_replication_origin_status on external_id = 'pg_' || pg_subscription.oid
          where subdbid = own.oid and starts_with(pg_subscription.subname, 'teranga_')
        ) as subscriptions
      from node_state, own`;
    return { ...row!, schema };
  });
}
