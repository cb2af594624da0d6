/** The words that the parts of the service share. */

/** Pieces of a product. */
export interface ProductQuantity {
  productId: string;
  quantity: number;
}

/** A product of an order, with the price of one piece in the currency's smallest unit. */
export interface PricedLine extends ProductQuantity {
  unitPrice: number;
}

/** What one city gives of one product. */
export interface Allocation extends ProductQuantity {
  cityId: string;
}

/** A product of which there is too little. */
export interface StockShortage {
  productId: string;
  requested: number;
  available: number;
}

/** Pieces available, by product id; a product that is not in it has none. */
export type StockLevels = ReadonlyMap<string, number>;

/** What is known of the stock: the cities that answered with their levels, and those that did not. */
export interface Stock {
  levels: ReadonlyMap<string, StockLevels>;
  missingCities: readonly string[];
}
