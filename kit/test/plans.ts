/** PostgreSQL's own plans of the statements of an operation. */
import type { Queryable, Sql } from "../src/postgres/database.ts";

/** A step of a plan. */
export interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Name"?: string;
  "Scan Direction"?: string;
  /** Only for a statement that was run. */
  "Actual Rows"?: number;
  Plans?: PlanNode[];
}

/**
 * The plan steps of all statements of an operation, whose statements return no rows.
 * @param options `run`: whether the statements are executed
 */
export async function planOf(
  sql: Sql,
  operation: (sql: Queryable) => Promise<unknown>,
  { run }: { run: boolean },
): Promise<PlanNode[]> {
  const nodes: PlanNode[] = [];
  const add = (node: PlanNode) => {
    nodes.push(node);
    node.Plans?.forEach(add);
  };
  // The driver's query runs when it is awaited. A query that is a part of another is not awaited.
  const explaining = new Proxy(sql, {
    apply(target, self, args) {
      const made: unknown = Reflect.apply(target as never, self, args);
      if (!(made instanceof Promise)) return made;
      const explain = async () => {
        const rows = await sql`explain (analyze ${sql.unsafe(String(run))}, format json) ${made as never}`;
        add((rows[0] as { "QUERY PLAN": [{ Plan: PlanNode }] })["QUERY PLAN"][0].Plan);
        return [];
      };
      // biome-ignore lint/suspicious/noThenProperty: it is the driver's thenable
      made.then = ((...handlers: Parameters<typeof made.then>) =>
        explain().then(...handlers)) as typeof made.then;
      return made;
    },
  });
  // The operation may fail without its rows.
  await operation(explaining).catch(() => undefined);
  return nodes;
}
