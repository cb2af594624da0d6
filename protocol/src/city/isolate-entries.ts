/**
 * Runs a batch as one database transaction. If the data of an entry makes that fail, runs each entry in a
 * transaction of its own, so that only the faulty entry fails.
 * @param run answers in the order of the entries
 * @param fail makes the answer of an entry that failed alone and changed nothing
 */
export async function isolateEntries<Entry, Answer>(
  entries: Entry[],
  run: (entries: Entry[]) => Promise<Answer[]>,
  fail: (entry: Entry, error: unknown) => Answer,
): Promise<Answer[]> {
  try {
    return await run(entries);
  } catch (error) {
    if (!isOfAnEntry(error)) throw error;
    if (entries.length === 1) return [fail(entries[0]!, error)];
    const answers: Answer[] = [];
    for (const entry of entries) answers.push(...(await isolateEntries([entry], run, fail)));
    return answers;
  }
}

/**
 * Whether the fault lies in the data. SQLSTATE classes: data exception (22), integrity constraint (23),
 * raised by our functions (P0).
 */
function isOfAnEntry(error: unknown): boolean {
  return /^(22|23|P0)/.test(String((error as { code?: unknown } | null)?.code));
}
