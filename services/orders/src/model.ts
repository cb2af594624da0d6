/** The words that the parts of the service share. */

/** Pieces available, by product id; a product that is not in it has none. */
export type StockLevels = ReadonlyMap<string, number>;

/** What is known of the stock: the cities that answered with their levels, and those that did not. */
export interface Stock {
  levels: ReadonlyMap<string, StockLevels>;
  missingCities: readonly string[];
}
