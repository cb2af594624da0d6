/** DataLoaders over batch queries that return their rows in any order. */
import DataLoader from "dataloader";

/** Keys of one batch. A larger statement gains nothing. */
const BATCH_MAX = 1_000;

/** A loader with one row for each key, and `missing` for a key without a row. */
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

/** A loader with all rows of each key, in the order in which the query returned them. */
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
