/** One operation while its plan is carried out. */
import { ERROR_CODES } from "@teranga/kit/graphql/errors.ts";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import type { JsonObject } from "../ground/answer.ts";
import { bareObject } from "../ground/bare-object.ts";
import { clientPath } from "../ground/names-apart.ts";
import { limitErrors } from "../ground/service-errors.ts";
import type { GatewayContext } from "../sources/request-context.ts";
import type { Shapes } from "./shape/shapes.ts";

export class Run {
  /** What all fetches have brought together so far. */
  readonly data: JsonObject = bareObject();
  readonly errors: GraphQLError[] = [];
  /** As the client gave them. */
  readonly variables: JsonObject;
  readonly context: GatewayContext;
  /** The entities that are about to be asked for, by what is asked. */
  readonly batches = new Map<string, unknown>();
  /** The objects that lack what must be known of them before a service can be asked for more. */
  readonly lacking = new Set<unknown>();
  /** Whether some object of `data` stands at several places. */
  hasShared = false;
  /**
   * What was carried out of a mutation before it failed as a whole, if more was asked for
   * (mutation-order.ts).
   */
  carriedOut: Shapes | undefined;

  constructor(variables: JsonObject, context: GatewayContext) {
    this.variables = variables;
    this.context = context;
  }

  /** Takes over a service's errors, which are at their places in the data. */
  addServiceErrors(subgraph: string, errors: Iterable<GraphQLFormattedError>): void {
    for (const { message, path, extensions } of limitErrors(errors)) {
      const said = message || ERROR_CODES.INTERNAL_SERVER_ERROR;
      this.errors.push(
        new GraphQLError(said, {
          path: path && clientPath(path),
          extensions: { ...extensions, serviceName: subgraph },
        }),
      );
    }
  }

  /** A fault of ours. What it says is for the log. */
  addFault(fault: unknown): void {
    if (fault instanceof GraphQLError) {
      this.errors.push(fault);
      return;
    }
    const originalError = fault instanceof Error ? fault : new Error(String(fault));
    const extensions = { code: "INTERNAL_SERVER_ERROR" };
    this.errors.push(new GraphQLError(originalError.message, { originalError, extensions }));
  }
}
