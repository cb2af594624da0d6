/** What must hold in the database of a city after every transaction (functions/7-invariants.sql). */

/** What is broken, by rule, with the rows that say so. */
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
