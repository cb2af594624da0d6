/** Operations that were laid aside when they came (operation_arrives in 3-nodes.sql). */
import type { Sql } from "@teranga/kit/postgres/database.ts";
import { writtenElsewhere } from "./written-elsewhere.ts";

/** Of one try. A node with a wrong clock may have written many. */
const BATCH = 1_000;

/** Lets the oldest of them arrive again: the node may be known now, the time may have come. */
export async function retryRefused(sql: Sql): Promise<void> {
  await writtenElsewhere(sql, async (connection) => {
    const tried = await connection<{ operation: object }[]>`
      delete from refused_operation using (
        select node, sequence from refused_operation order by refused_at limit ${BATCH}
      ) oldest
      where refused_operation.node = oldest.node and refused_operation.sequence = oldest.sequence
      returning refused_operation.operation`;
    const operations = JSON.stringify(tried.map(({ operation }) => operation));
    await connection`
      insert into operation
      select * from jsonb_populate_recordset(null::operation, ${operations}::text::jsonb)
      order by node, sequence`;
  });
}
