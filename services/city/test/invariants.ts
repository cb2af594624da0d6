/** What must hold in the database of a city after every transaction (functions/9-invariants.sql). */

/** The broken rules, each with the rows that break it. */
export async function brokenInvariants(
  query: (text: string) => Promise<readonly object[]>,
): Promise<Record<string, readonly object[]>> {
  const rows = (await query("select rule, found from broken_invariants()")) as Row[];
  const broken: Record<string, object[]> = {};
  for (const { rule, found } of rows) broken[rule] = [...(broken[rule] ?? []), found];
  return broken;
}

interface Row {
  rule: string;
  found: object;
}
