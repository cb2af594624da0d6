/** Types that the parts of the service share. */

/** Available pieces, by product id. A product that is missing has none. */
export type StockLevels = ReadonlyMap<string, number>;

/** What is known of the stock: the levels of the cities that answered, and the cities that did not. */
export interface Stock {
  levels: ReadonlyMap<string, StockLevels>;
  missingCities: readonly string[];
}
