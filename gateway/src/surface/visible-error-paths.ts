/** Cuts the paths of errors to what the client can see. */
import type { ApolloServerPlugin } from "@apollo/server";
import type { GatewayContext } from "../request-context.ts";
import { visibleErrors } from "./error-paths.ts";

export const visibleErrorPaths: ApolloServerPlugin<GatewayContext> = {
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
