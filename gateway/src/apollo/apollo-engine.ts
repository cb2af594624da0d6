/**
 * Stock `@apollo/gateway` in place of our planning and execution, over our sources (`GATEWAY_ENGINE=apollo`):
 * a way out for those who meet a fault of our engine, and what its answers are compared with. docs/engines.md
 * lists what differs.
 */
import { ApolloGateway } from "@apollo/gateway";
import { prettyFormatQueryPlan } from "@apollo/query-planner";
import type { Identity } from "@teranga/kit/identity/identity.ts";
import { createLogger, type Logger } from "@teranga/kit/process/log.ts";
import {
  type DocumentNode,
  extendSchema,
  type GraphQLError,
  type GraphQLSchema,
  parse,
  print,
} from "graphql";
import { Authorization } from "../authorization/authorization.ts";
import { withoutSecurity } from "../authorization/requirement-names.ts";
import { withoutDefer } from "../execution/defer/defer-split.ts";
import { noteGreat } from "../ground/answer-json.ts";
import { asGraphQLError } from "../ground/faults.ts";
import { DEFAULT_LIMITS, type Limits } from "../ground/limits.ts";
import { namelessOperation } from "../ground/nameless-operation.ts";
import { overloaded } from "../ground/overloaded.ts";
import { type Supergraph, unusableSupergraph } from "../ground/supergraph.ts";
import { variableErrors } from "../ground/variable-errors.ts";
import type { Engine, Executor } from "../planning/engine.ts";
import { SideThread } from "../planning/side-thread.ts";
import type { RunContext } from "../sources/request-context.ts";
import type { Source } from "../sources/source.ts";
import { SourceServices } from "./source-services.ts";

/** The gateway library does not know it. Clients that use it must still be served. */
const DEFER = parse(
  "directive @defer(label: String, if: Boolean! = true) on FRAGMENT_SPREAD | INLINE_FRAGMENT",
);

/** Documents without @defer. The door keeps the clients' documents, and an entry goes with its document. */
const AT_ONCE = new WeakMap<DocumentNode, DocumentNode>();

export interface ApolloEngineTerms {
  /** The limits of documents, which bound what is kept. */
  limits?: Pick<Limits, "tokensMax"> | undefined;
  log?: Logger | undefined;
}

export class ApolloEngine implements Engine {
  readonly supergraph: Supergraph;
  readonly apiSchema: GraphQLSchema;
  readonly sideThread: SideThread;
  /** The library keeps up to 30 MB of plans, and does not tell how many these are. */
  readonly operationCount = 0;
  readonly #executor: Executor;
  readonly #authorization: Authorization | undefined;

  /**
   * @param sources by subgraph
   * @throws StartupError, one line, if the library does not take the supergraph
   */
  static async start(
    supergraph: Supergraph,
    sources: ReadonlyMap<string, Source>,
    { limits = DEFAULT_LIMITS, log = createLogger("gateway", "silent") }: ApolloEngineTerms = {},
  ): Promise<ApolloEngine> {
    // Otherwise the library asks five clouds' metadata services where it runs, and tells Apollo every hour.
    process.env.APOLLO_TELEMETRY_DISABLED = "true";
    const services = new SourceServices(sources, limits);
    const gateway = new ApolloGateway({
      supergraphSdl: sdlFor(supergraph),
      buildService: ({ name }) => services.of(name),
      experimental_didResolveQueryPlan({ queryPlan, requestContext }) {
        const { record } = requestContext.context as RunContext;
        record.planned(() => prettyFormatQueryPlan(queryPlan));
      },
      __exposeQueryPlanExperimental: false,
      logger: log.child({}, { level: "warn" }),
    });
    try {
      const { schema, executor } = await gateway.load();
      return new ApolloEngine(supergraph, schema, executor, new SideThread(supergraph.sdl, { log }));
    } catch (error) {
      throw unusableSupergraph(error);
    }
  }

  private constructor(
    supergraph: Supergraph,
    schema: GraphQLSchema,
    executor: Executor,
    sideThread: SideThread,
  ) {
    this.supergraph = supergraph;
    this.apiSchema = extendSchema(schema, DEFER);
    this.sideThread = sideThread;
    this.#executor = executor;
    this.#authorization = Authorization.of(supergraph, this.apiSchema);
  }

  readonly execute: Executor = async (request) => {
    const { holding, identity } = request.context as RunContext;
    const rejected = this.#rejection(request, identity);
    if (rejected) return { errors: rejected };
    const { variableDefinitions = [] } = request.operation;
    // The library's words for wrong variables quote these, and there may be 50 such errors.
    const errors = variableErrors(this.apiSchema, variableDefinitions, request.request.variables ?? {});
    if (errors.length > 0) return { errors };
    const answer = await this.#executor({ ...request, document: atOnce(request.document) });
    if (holding?.isRefused) return { errors: [overloaded()] };
    noteGreat(answer.data ?? null, holding);
    // A fault of our sources comes as it was thrown, which no plugin of the door expects.
    return answer.errors
      ? { ...answer, errors: answer.errors.map((error) => asGraphQLError(error)) }
      : answer;
  };

  /** The library cannot leave fields out, so an operation with a refused field is refused as a whole. */
  #rejection({ document, request }: Parameters<Executor>[0], identity: Identity): GraphQLError[] | undefined {
    if (!this.#authorization) return undefined;
    const { operationName, variables = {} } = request;
    const nameless = namelessOperation({ document, operationName, variables });
    const refused = this.#authorization.refused(nameless.document, identity);
    return refused && this.#authorization.rejection(nameless.document, { refused, variables });
  }

  /** The library answers at once, which the specification of @defer allows. */
  async beginDeferred(): Promise<undefined> {}
}

/** The library takes no supergraph that asks it to enforce these directives. */
function sdlFor({ sdl, document }: Supergraph): string {
  const plain = withoutSecurity(document);
  return plain === document ? sdl : print(plain);
}

function atOnce(document: DocumentNode): DocumentNode {
  const known = AT_ONCE.get(document) ?? withoutDefer(document);
  AT_ONCE.set(document, known);
  return known;
}
