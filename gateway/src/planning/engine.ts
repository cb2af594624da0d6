/** What carries out clients' operations on one supergraph: our engine (graph.ts), or Apollo's (../apollo). */
import type { ApolloServerOptionsWithGateway, BaseContext } from "@apollo/server";
import type { GraphQLSchema } from "graphql";
import type { DeferredAnswer } from "../execution/defer/defer-answer.ts";
import type { AskedOperation } from "../ground/nameless-operation.ts";
import type { Supergraph } from "../ground/supergraph.ts";
import type { RunContext } from "../sources/request-context.ts";
import type { SideThread } from "./side-thread.ts";

export type GatewayInterface = ApolloServerOptionsWithGateway<BaseContext>["gateway"];
/** What Apollo Server calls with each validated operation. */
export type Executor = NonNullable<Awaited<ReturnType<GatewayInterface["load"]>>["executor"]>;

export interface Engine {
  readonly supergraph: Supergraph;
  /** The schema that clients see. */
  readonly apiSchema: GraphQLSchema;
  /** The thread that validates large documents; undefined if the one that answers does. */
  readonly sideThread: SideThread | undefined;
  /** How many compiled operations are kept. */
  readonly operationCount: number;
  /** The context of the request is a RunContext. */
  readonly execute: Executor;
  /** Begins an answer in parts. Undefined if the operation is to be answered at once. */
  beginDeferred(asked: AskedOperation, context: RunContext): Promise<DeferredAnswer | undefined>;
}
