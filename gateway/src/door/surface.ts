/**
 * What clients meet at the gateway's door: limits, introspection, Sandbox, persisted queries, the words of
 * errors.
 */
import type { ApolloServerOptionsWithGateway, ApolloServerPlugin } from "@apollo/server";
import { ApolloServerPluginLandingPageDisabled } from "@apollo/server/plugin/disabled";
import { ApolloServerPluginLandingPageLocalDefault } from "@apollo/server/plugin/landingPage/default";
import { refuseUnacceptable } from "@teranga/kit/http/acceptable.ts";
import { statusByMediaType } from "@teranga/kit/http/http-status.ts";
import { logFaults } from "@teranga/kit/http/server.ts";
import type { GraphQLSchema } from "graphql";
import { answerJson } from "../ground/answer-json.ts";
import { DEFAULT_LIMITS, type Limits } from "../ground/limits.ts";
import type { SideThread } from "../planning/side-thread.ts";
import type { GatewayContext } from "../sources/request-context.ts";
import { clientTerms } from "../validation/validation.ts";
import { createFormatError, isFaultOf } from "./client-errors.ts";
import { type CostLimit, limitCost } from "./cost.ts";
import { deliverDeferred } from "./defer-delivery.ts";
import { readDocuments } from "./document-reader.ts";
import { createPersistedQueryCache } from "./document-store.ts";
import { explainAnswers } from "./explain.ts";
import type { GatewayMetrics } from "./metrics.ts";
import type { RequestWatch } from "./request-log.ts";
import { type Safelist, watchSafelist } from "./safelist.ts";
import { visibleErrorPaths } from "./visible-error-paths.ts";

/**
 * `development`: faults are shown as they are, and clients may ask how an answer was made. `production`:
 * neither. Whoever does not say runs in production.
 */
export type Mode = "development" | "production";

export interface Surface {
  mode: Mode;
  /** Whether clients may ask for the schema. */
  introspection: boolean;
  /** Whether a browser that opens the endpoint is shown Apollo Sandbox. */
  sandbox: boolean;
  limits: Limits;
  safelist: Safelist | undefined;
}

/** The surface of a mode, if nobody says otherwise. */
export function surfaceOf(mode: Mode): Surface {
  const isOpen = mode === "development";
  return { mode, introspection: isOpen, sandbox: isOpen, limits: DEFAULT_LIMITS, safelist: undefined };
}

export interface SurfaceParts {
  /** Whether a subgraph is served by services of ours. */
  isOurs: (subgraph: string) => boolean;
  costModelOf: CostLimit["modelOf"];
  /** Of the graph whose API schema this is. */
  sideThreadOf: (apiSchema: GraphQLSchema) => SideThread | undefined;
  metrics: GatewayMetrics;
  requests: RequestWatch;
}

type SurfaceOptions = Omit<ApolloServerOptionsWithGateway<GatewayContext>, "gateway"> & {
  plugins: ApolloServerPlugin<GatewayContext>[];
};

/** What Apollo Server is to be told of it. */
export function surfaceOptions(surface: Surface, parts: SurfaceParts): SurfaceOptions {
  const { mode, introspection, sandbox, limits, safelist } = surface;
  const { isOurs, costModelOf, sideThreadOf, metrics, requests } = parts;
  const formatError = createFormatError(isOurs, { showsFaults: mode === "development" });
  const faults = logFaults<GatewayContext>(({ log }) => log, isFaultOf(isOurs));
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
        sideThreadOf,
      }),
      faults,
      ...(safelist ? [watchSafelist(safelist, metrics)] : []),
      limitCost({ costMax: limits.costMax, modelOf: costModelOf }),
      deliverDeferred({ formatError, faults }),
      refuseUnacceptable,
      // These look at the answer one after the other: first what is in it, then what is noted and said of it.
      visibleErrorPaths,
      requests.plugin,
      ...(mode === "development" ? [explainAnswers] : []),
      statusByMediaType,
      sandbox ? SANDBOX : ApolloServerPluginLandingPageDisabled(),
    ],
  };
}

const SANDBOX = ApolloServerPluginLandingPageLocalDefault({
  embed: { initialState: { pollForSchemaUpdates: false } },
});
