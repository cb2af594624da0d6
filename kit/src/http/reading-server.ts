/** Apollo Server for a service that says how old its answers are (docs/reads.md). */
import {
  ApolloServer,
  type ApolloServerOptions,
  type ApolloServerPlugin,
  type BaseContext,
  type HTTPGraphQLResponse,
} from "@apollo/server";
import { areNotNow, isClientError } from "../graphql/errors.ts";
import { READ_AFTER_HEADER } from "../reads/read-headers.ts";
import type { ServiceReads } from "../reads/service-reads.ts";

export class ReadingServer<Context extends BaseContext> extends ApolloServer<Context> {
  readonly #reads: ServiceReads | undefined;

  constructor(options: ApolloServerOptions<Context>, reads: ServiceReads | undefined) {
    super({ ...options, plugins: [...(options.plugins ?? []), ...(reads ? [tellReads(reads)] : [])] });
    this.#reads = reads;
  }

  override executeHTTPGraphQLRequest(
    request: Parameters<ApolloServer<Context>["executeHTTPGraphQLRequest"]>[0],
  ): Promise<HTTPGraphQLResponse> {
    const run = () => super.executeHTTPGraphQLRequest(request);
    const readAfter = request.httpGraphQLRequest.headers.get(READ_AFTER_HEADER);
    return this.#reads && readAfter !== undefined ? this.#reads.serve(readAfter, run) : run();
  }
}

/** Tells when an operation begins, and when it fails on a fault. */
function tellReads<Context extends BaseContext>(reads: ServiceReads): ApolloServerPlugin<Context> {
  return {
    async requestDidStart() {
      return {
        didResolveOperation: async ({ operation }) => reads.begin?.(operation!.operation),
        async didEncounterErrors({ errors }) {
          for (const error of errors)
            if (!isClientError(error.extensions) || areNotNow([error])) reads.onFault?.();
        },
      };
    },
  };
}
