/** The state of one part of an answer while its plan is carried out. Nearly every answer has one part. */
import { ERROR_CODES } from "@teranga/kit/graphql/errors.ts";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import { bareObject, type JsonObject } from "../ground/answer.ts";
import { asGraphQLError } from "../ground/faults.ts";
import { clientPath } from "../ground/names-apart.ts";
import { limitErrors } from "../ground/service-errors.ts";
import type { RunContext } from "../sources/request-context.ts";
import type { Fetching } from "./defer/fetching.ts";
import type { Shapes } from "./shape/shapes.ts";

export class Run {
  /** The merged data of all fetches so far. */
  readonly data: JsonObject = bareObject();
  readonly errors: GraphQLError[] = [];
  /** The variables as the client gave them. */
  readonly variables: JsonObject;
  readonly context: RunContext;
  /** The batches of entities that are about to be sent, by what is asked. */
  readonly batches = new Map<string, unknown>();
  /** The objects that lack what is needed to ask a service for more of them. */
  readonly lacking = new Set<unknown>();
  /** What it shares with the runs of the answer's other parts. Undefined if the answer has one part. */
  readonly fetching: Fetching | undefined;
  /** Whether an object of `data` stands at several places. */
  hasShared: boolean;
  /** There was too much to copy from the parent, so nothing is fetched. */
  isTooLarge = false;
  /**
   * The root fields of a mutation that were carried out before it failed as a whole, if others were to follow
   * (mutation-order.ts).
   */
  carriedOut: Shapes | undefined;

  constructor(variables: JsonObject, context: RunContext, fetching?: Fetching) {
    this.variables = variables;
    this.context = context;
    this.fetching = fetching;
    // Objects that a parent's data shares are shared in a part's copy as well.
    this.hasShared = fetching !== undefined;
  }

  /** The operation name that a subgraph is told, so that its logs show whose fetch it is. */
  nameOf(nameEnd: string): string | undefined {
    const name = this.context.record.operation?.name;
    return name === undefined ? undefined : name + nameEnd;
  }

  /** The client's variables that a fetch uses. */
  variablesOf(names: readonly string[]): JsonObject {
    const { variables } = this;
    const picked: JsonObject = {};
    for (const name of names) {
      if (Object.hasOwn(variables, name) && variables[name] !== undefined) picked[name] = variables[name];
    }
    return picked;
  }

  /** Adds a service's errors, whose paths already lead into the data. */
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

  /** Adds our own fault as an error. Its message is for the log only. */
  addFault(fault: unknown): void {
    this.errors.push(asGraphQLError(fault));
  }
}
