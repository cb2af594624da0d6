/** The operations of the example client. Their types are generated from the API schema (npm run generate). */
import { graphql } from "../generated/client/gql.ts";

/** The products of the shop window with their availability. */
export const ShopWindow = graphql(`
  query ShopWindow($first: Int!, $filter: ProductFilter) {
    products(first: $first, filter: $filter) {
      edges {
        node {
          id
          name
          price
          currency
          availability {
            total
            complete
            missingCities
          }
        }
      }
      totalCount
    }
  }
`);

/** The cities with their names; a city that does not answer is null. */
export const Cities = graphql(`
  query Cities {
    cities {
      id
      name
    }
  }
`);

/** Places an order and shows what each city gives. */
export const PlaceOrder = graphql(`
  mutation PlaceOrder($input: PlaceOrderInput!) {
    placeOrder(input: $input) {
      __typename
      ... on OrderPlaced {
        order {
          id
          total
          currency
          allocations {
            city {
              id
              name
            }
            quantity
          }
        }
        transaction {
          id
        }
      }
      ... on OutOfStock {
        message
        shortages {
          product {
            name
          }
          requested
          available
        }
        missingCities
      }
      ... on UnknownClient {
        message
      }
      ... on UnknownProducts {
        message
      }
      ... on DiscontinuedProducts {
        message
      }
      ... on PriceChanged {
        message
        total
      }
      ... on SplitLimitExceeded {
        message
      }
      ... on PaymentDeclined {
        message
        balance
      }
      ... on IdempotencyKeyReused {
        message
      }
      ... on OutcomeUnknown {
        message
        idempotencyKey
      }
    }
  }
`);
