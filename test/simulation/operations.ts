/** What clients ask of the shop. */

export const PLACE_ORDER = `mutation PlaceOrder($input: PlaceOrderInput!) {
  result: placeOrder(input: $input) {
    __typename
    ... on OrderPlaced { order { id } transaction { id } }
    ... on OutcomeUnknown { transactionId }
    ... on IdempotencyKeyReused { transaction { id } order { id } }
    ... on PriceChanged { expectedTotal total }
    ... on SplitLimitExceeded { maxSplits splits }
    ... on PaymentDeclined { total balance }
    ... on OutOfStock { shortages { requested available } missingCities }
  }
}`;

export const CANCEL_ORDER = `mutation CancelOrder($input: CancelOrderInput!) {
  result: cancelOrder(input: $input) {
    __typename
    ... on OrderCancelled { order { id } transaction { id } }
    ... on OrderAlreadyCancelled { order { id } }
    ... on IdempotencyKeyReused { transaction { id } order { id } }
    ... on OutcomeUnknown { transactionId }
  }
}`;

export const TRANSFER_STOCK = `mutation TransferStock($input: TransferStockInput!) {
  result: transferStock(input: $input) {
    __typename
    ... on StockTransferred { transaction { id } quantity }
    ... on IdempotencyKeyReused { transaction { id } order { id } }
    ... on OutcomeUnknown { transactionId }
    ... on OutOfStock { shortages { requested available } missingCities }
  }
}`;

export const TOP_UP = `mutation TopUp($input: TopUpWalletInput!) {
  result: topUpWallet(input: $input) {
    __typename
    ... on WalletToppedUp { entry { amount } }
    ... on TopUpKeyReused { entry { amount } }
  }
}`;

export const RESTOCK = `mutation Restock($input: RestockInput!) {
  result: restock(input: $input) { __typename }
}`;

export const READ_WALLET = `query ReadWallet($id: ID!) { result: client(id: $id) { wallet { balance } } }`;
export const READ_ORDER = `query ReadOrder($id: ID!) { result: order(id: $id) { status total } }`;
