/** Goal: a branch of an SQL function counts if it was taken, and only then. Method: functions on PGlite. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openEmptyCluster } from "../../kit/test/kept-cluster.ts";
import { countBranches, counterOf } from "./branches.ts";

const FUNCTIONS = `
create or replace function of_condition(a text) returns text language sql as $$
  select case when a = 'x' then 'X' else 'other' end;
$$;
create or replace function of_value(a text) returns text language sql as $$
  select case a when 'x' then 'X' when 'y' then 'Y' end;
$$;
create or replace function of_if(a text) returns text language plpgsql as $$
begin
  if a = 'x' then
    return 'X';
  end if;
  return 'other';
end $$;
`;

test("the condition of a branch that is taken is true, and not null", async () => {
  const folder = await mkdtemp(join(tmpdir(), "teranga-branches-"));
  const db = await openEmptyCluster();
  try {
    await writeFile(join(folder, "1-functions.sql"), FUNCTIONS);
    const { script, names } = countBranches(folder);
    await db.exec(script);
    const counters = names.map((_, index) => `(select is_called from ${counterOf(index)})`);
    const takenBy = async (value: string | null) => {
      // Of a column: with a constant the planner drops branches before they are run.
      await db.query("select of_condition(a), of_value(a), of_if(a) from unnest(array[$1::text]) a", [value]);
      const { rows } = await db.query<{ taken: boolean[] }>(`select array[${counters}] as taken`);
      return names.filter((_, index) => rows[0]!.taken[index]);
    };
    const others = ["of_condition: case not a = 'x'", "of_value: case not a is 'y'", "of_if: unless a = 'x'"];
    expect(await takenBy(null)).toEqual(others);
    await takenBy("x");
    expect(await takenBy("y")).toEqual([
      "of_condition: case a = 'x'",
      "of_condition: case not a = 'x'",
      "of_value: case a is 'x'",
      "of_value: case a is 'y'",
      "of_value: case not a is 'y'",
      "of_if: if a = 'x'",
      "of_if: unless a = 'x'",
    ]);
  } finally {
    await db.close();
    await rm(folder, { recursive: true });
  }
});
