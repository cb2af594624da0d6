/** Composes the subgraphs' SDL into the supergraph and the API schema. */
import { composeServices } from "@apollo/composition";
import { type GraphQLSchema, parse, printSchema } from "graphql";

/** One subgraph as input of the composition. */
export interface SubgraphSdl {
  name: string;
  /** Only shown in the supergraph; the topology says where requests go. */
  url: string;
  sdl: string;
}

export interface Composition {
  /** The supergraph, for the gateway. */
  supergraphSdl: string;
  /** The API schema, for clients. */
  apiSdl: string;
  apiSchema: GraphQLSchema;
  /** Remarks of the composition, such as descriptions that differ between subgraphs. Our graph has none. */
  hints: string[];
}

/** @throws Error with one line for each composition error. */
export function compose(subgraphs: readonly SubgraphSdl[]): Composition {
  const result = composeServices(
    subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })),
  );
  if (result.errors) throw new Error(result.errors.map(({ message }) => message).join("\n"));
  const apiSchema = result.schema.toAPISchema().toGraphQLJSSchema();
  return {
    supergraphSdl: result.supergraphSdl,
    apiSdl: printSchema(apiSchema),
    apiSchema,
    hints: result.hints.map(({ message }) => message),
  };
}
