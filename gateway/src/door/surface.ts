/**
 * The surface that clients meet at the gateway's door: limits, introspection, Sandbox, persisted queries and
 * the words of errors.
 */
import type { ApolloServerOptionsWithGateway, ApolloServerPlugin } from "@apollo/server";
import { ApolloServerPluginLandingPageDisabled } from "@apollo/server/plugin/disabled";
import { ApolloServerPluginLandingPageLocalDefault } from "@apollo/server/plugin/landingPage/default";
import { refuseUnacceptable } from "@teranga/kit/http/acceptable.ts";
import { statusByMediaType } from "@teranga/kit/http/http-status.ts";
import { logFaults } from "@teranga/kit/http/masked-errors.ts";
import type { GraphQLSchema } from "graphql";
import { answerJson } from "../ground/answer-json.ts";
import { DEFAULT_LIMITS, type Limits } from "../ground/limits.ts";
import type { Running } from "../planning/graph-gateway.ts";
import type { RequestContext } from "../sources/request-context.ts";
import { clientTerms } from "../validation/validation.ts";
import { createFormatError, isFaultOf, visibleErrorPaths } from "./client-errors.ts";
import { limitCost } from "./cost.ts";
import { deliverDeferred } from "./defer-delivery.ts";
import { readDocuments } from "./document-reader.ts";
import { createPersistedQueryCache } from "./document-store.ts";
import { explainAnswers } from "./explain.ts";
import type { GatewayMetrics } from "./metrics.ts";
import type { RequestWatch } from "./request-log.ts";
import { type Safelist, watchSafelist } from "./safelist.ts";

/**
 * `development`: faults are shown unmasked, and clients may ask how an answer was made. `production`:
 * neither. Production is the default.
 */
export type Mode = "development" | "production";

export interface Surface {
  mode: Mode;
  /** Whether clients may ask for the schema by introspection. */
  introspection: boolean;
  /** Whether a browser that opens the endpoint gets Apollo Sandbox. */
  sandbox: boolean;
  limits: Limits;
  safelist: Safelist | undefined;
}

/** The default surface of a mode. */
export function surfaceOf(mode: Mode): Surface {
  const isOpen = mode === "development";
  return { mode, introspection: isOpen, sandbox: isOpen, limits: DEFAULT_LIMITS, safelist: undefined };
}

export interface SurfaceParts {
  /** Whether our own services serve a subgraph. */
  isOurs: (subgraph: string) => boolean;
  /** The engine and the network of the graph with this API schema. */
  runningOn: (apiSchema: GraphQLSchema) => Running;
  metrics: GatewayMetrics;
  requests: RequestWatch;
}

type SurfaceOptions = Omit<ApolloServerOptionsWithGateway<RequestContext>, "gateway"> & {
  plugins: ApolloServerPlugin<RequestContext>[];
};

/** The options that make Apollo Server show this surface. */
export function surfaceOptions(surface: Surface, parts: SurfaceParts): SurfaceOptions {
  const { mode, introspection, sandbox, limits, safelist } = surface;
  const { isOurs, runningOn, metrics, requests } = parts;
  const formatError = createFormatError(isOurs, { showsFaults: mode === "development" });
  const faults = logFaults<RequestContext>(({ log }) => log, isFaultOf(isOurs));
  return {
    includeStacktraceInErrorResponses: false,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    documentStore: null,
    persistedQueries: { cache: createPersistedQueryCache(safelist, limits) },
    formatError,
    stringifyResult: answerJson,
    plugins: [
      readDocuments({
        ...clientTerms({ limits, hidesSchema: !introspection }),
        safelist,
        sideThreadOf: (schema) => runningOn(schema).engine.sideThread,
      }),
      faults,
      ...(safelist ? [watchSafelist(safelist, metrics)] : []),
      limitCost({ costMax: limits.costMax, runningOn }),
      deliverDeferred({ formatError, faults, runningOn }),
      refuseUnacceptable,
      // These see the answer in this order: the first changes its content, the others note and explain it.
      visibleErrorPaths,
      requests.plugin,
      ...(mode === "development" ? [explainAnswers] : []),
      statusByMediaType,
      sandbox ? SANDBOX : ApolloServerPluginLandingPageDisabled(),
    ],
  };
}

/** The header has a place from the start. Without a document its headers would not be taken. */
const SANDBOX = ApolloServerPluginLandingPageLocalDefault({
  document: "{ __typename }",
  headers: { Authorization: "" },
  embed: { initialState: { pollForSchemaUpdates: false } },
});
