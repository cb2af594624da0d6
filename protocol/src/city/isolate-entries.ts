/**
 * Runs a batch as one database transaction; if the data of an entry makes it fail, as one for each entry, so that only that entry
 * fails.
 * @param run answers in the order of the entries
 * @param fail the answer of an entry that failed alone; nothing was changed by it
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

/** SQLSTATE classes of faults that lie in the data: data exception, integrity constraint, raised by our functions. */
function isOfAnEntry(error: unknown): boolean {
  return /^(22|23|P0)/.test(String((error as { code?: unknown } | null)?.code));
}
