/** The operations of the example client. Their types are generated from the API schema. */
import { graphql } from "../generated/client/gql.ts";

/** What a shop window shows: products with their availability. */
export const ShopWindow = graphql(`
  query ShopWindow($first: Int!) {
    products(first: $first) {
      edges {
        node {
          id
          name
          price
          availability {
            total
            complete
          }
        }
      }
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
              name
            }
            quantity
          }
        }
      }
      ... on OutOfStock {
        message
        shortages {
          requested
          available
        }
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
