/** A subgraph as its HTTP server runs it, without HTTP: JSON in, JSON out, faults masked as in production. */
import { buildSubgraphSchema } from "@apollo/subgraph";
import { codedError } from "@teranga/kit/graphql/errors.ts";
import { withOutcomes } from "@teranga/kit/graphql/mutation-outcome.ts";
import { maskError } from "@teranga/kit/http/masked-errors.ts";
import type { SubgraphRequest } from "@teranga/kit/http/transport.ts";
import { classifyDatabaseError } from "@teranga/kit/postgres/database.ts";
import { type DocumentNode, execute, type GraphQLError, parse, validate } from "graphql";

export type Endpoint = (request: string, context: object) => Promise<string>;

export interface EndpointOptions {
  typeDefs: string;
  // biome-ignore lint/suspicious/noExplicitAny: resolver types are checked where they are written
  resolvers: any;
  /** What is said of a fault that is not meant for clients. */
  onFault: (error: GraphQLError) => void;
  /** The city, if it is one: what is said when its database cannot be reached names it. */
  cityId?: string;
}

export function createEndpoint({ typeDefs, resolvers, onFault, cityId }: EndpointOptions): Endpoint {
  const away =
    cityId && codedError("CITY_UNAVAILABLE", `The city "${cityId}" is unavailable.`, { city: cityId });
  const told = withOutcomes({ resolvers, ...(away && { unavailable: away }) });
  const schema = buildSubgraphSchema([{ typeDefs: parse(typeDefs), resolvers: told }]);
  const documents = new Map<string, DocumentNode>();
  const documentOf = (query: string): DocumentNode => {
    const known = documents.get(query);
    if (known) return known;
    const document = parse(query);
    const [error] = validate(schema, document);
    if (error) throw error;
    documents.set(query, document);
    return document;
  };
  const mask = (error: GraphQLError) => {
    const isAway = away && classifyDatabaseError(error.originalError).kind === "transient";
    const { message, extensions } = isAway ? away : error;
    const masked = maskError({ ...error.toJSON(), message, extensions }, error);
    if (masked.extensions?.code === "INTERNAL_SERVER_ERROR") onFault(error);
    return masked;
  };

  return async (request, contextValue) => {
    const { query, variables, operationName } = JSON.parse(request) as SubgraphRequest;
    const { data, errors } = await execute({
      schema,
      document: documentOf(query),
      contextValue,
      variableValues: variables,
      operationName,
    });
    return JSON.stringify(errors ? { data, errors: errors.map(mask) } : { data });
  };
}
