/** DataLoaders over batch queries whose rows come back in any order. */
import DataLoader from "dataloader";

/** Keys of one batch. A statement with more bind values than this gains nothing. */
const BATCH_MAX = 1_000;

/** A loader of one row a key; `missing` where there is none. */
export function keyedBy<Row, Missing>(
  load: (keys: readonly string[]) => Promise<Row[]>,
  keyOf: (row: Row) => string,
  missing: Missing,
): DataLoader<string, Row | Missing> {
  return new DataLoader<string, Row | Missing>(
    async (keys) => {
      const rows = new Map((await load(keys)).map((row) => [keyOf(row), row]));
      return keys.map((key) => rows.get(key) ?? missing);
    },
    { maxBatchSize: BATCH_MAX },
  );
}

/** A loader of all rows of a key, in the order in which they were loaded. */
export function groupedBy<Row>(
  load: (keys: readonly string[]) => Promise<Row[]>,
  keyOf: (row: Row) => string,
): DataLoader<string, Row[]> {
  return new DataLoader(
    async (keys) => {
      const rows = Map.groupBy(await load(keys), keyOf);
      return keys.map((key) => rows.get(key) ?? []);
    },
    { maxBatchSize: BATCH_MAX },
  );
}
