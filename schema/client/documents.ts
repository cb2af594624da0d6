/** The operations of the example client. Their types are generated from the API schema (npm run generate). */
import { graphql } from "../generated/client/gql.ts";

/** What a shop window shows: products with their availability. */
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

/** The cities and what they are called; one that does not answer is null. */
export const Cities = graphql(`
  query Cities {
    cities {
      id
      name
    }
  }
`);

/** Places an order and shows who gives what. */
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
