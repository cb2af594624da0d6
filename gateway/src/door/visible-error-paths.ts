/** Cuts the paths of errors to the part that the client's data has. */
import type { ApolloServerPlugin } from "@apollo/server";
import { visibleErrors } from "../ground/error-paths.ts";
import type { RequestContext } from "../sources/request-context.ts";

export const visibleErrorPaths: ApolloServerPlugin<RequestContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response: { body } }) {
        if (body.kind !== "single") return;
        const result = body.singleResult;
        if (result.errors) result.errors = visibleErrors(result.errors, result.data);
      },
    };
  },
};
