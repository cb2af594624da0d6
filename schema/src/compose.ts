/** Composes the subgraphs' SDL into the supergraph and the API schema. */
import { composeServices } from "@apollo/composition";
import { type GraphQLSchema, parse, printSchema } from "graphql";

/** One subgraph as composition sees it. */
export interface SubgraphSdl {
  name: string;
  /** Shown in the supergraph; the topology says where requests really go. */
  url: string;
  sdl: string;
}

export interface Composition {
  /** What the gateway runs. */
  supergraphSdl: string;
  /** What clients see. */
  apiSdl: string;
  apiSchema: GraphQLSchema;
  /** Remarks of the composition, e.g. descriptions that differ between subgraphs. Ours has none. */
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
