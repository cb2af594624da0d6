/**
 * Delivers answers with @defer over HTTP as `multipart/mixed`, each part in its own chunk, in the format that
 * the client asks for. There are two formats: that of 2022, which Apollo Client asks for by default, and its
 * successor, which announces the parts that are still to come.
 *
 * A client that accepts neither gets the whole answer at once, and @defer changes nothing.
 */
import {
  type ApolloServerPlugin,
  type GraphQLRequestContext,
  type GraphQLResponse,
  HeaderMap,
} from "@apollo/server";
import { GraphQLError, type GraphQLFormattedError, type GraphQLSchema } from "graphql";
import Negotiator from "negotiator";
import type { DeferredAnswer, Delivery, Place } from "../execution/defer/defer-answer.ts";
import type { JsonObject, ResponsePath } from "../ground/answer.ts";
import { visibleErrors } from "../ground/error-paths.ts";
import { overloaded } from "../ground/overloaded.ts";
import type { Running } from "../planning/graph-gateway.ts";
import { SESSION_HEADER } from "../session/session.ts";
import type { RequestContext } from "../sources/request-context.ts";
import { NO_CODE } from "../sources/request-record.ts";
import type { FormatError } from "./client-errors.ts";

const MULTIPART = "multipart/mixed";
const OF_2022 = `${MULTIPART}; deferSpec=20220824`;
const ANNOUNCED = `${MULTIPART}; incrementalSpec=v0.2`;
/**
 * In the order in which Apollo Server considers them. It writes answers in the last two, but not in the
 * first.
 */
const MEDIA_TYPES = [MULTIPART, ANNOUNCED, OF_2022];

export interface DeliveryMeans {
  formatError: FormatError;
  /** Hears of errors before they are formatted, as Apollo Server arranges for answers that come at once. */
  faults: ApolloServerPlugin<RequestContext>;
  /** The engine and the network of the graph with this API schema. */
  runningOn: (apiSchema: GraphQLSchema) => Running;
}

type Request = GraphQLRequestContext<RequestContext>;

/** Delivers answers in parts to clients that accept them. Other requests cost a look at one header. */
export function deliverDeferred(means: DeliveryMeans): ApolloServerPlugin<RequestContext> {
  return {
    async requestDidStart({ request }) {
      const accept = request.http?.headers.get("accept");
      if (!accept?.includes(MULTIPART)) return undefined;
      return { responseForOperation: (context) => respond(context, accept, means) };
    },
  };
}

/** Null if the operation is to be answered at once. */
async function respond(
  request: Request,
  accept: string,
  means: DeliveryMeans,
): Promise<GraphQLResponse | null> {
  const mediaType = new Negotiator({ headers: { accept } }).mediaType(MEDIA_TYPES);
  if (mediaType !== OF_2022 && mediaType !== ANNOUNCED) return null;
  const answer = await begin(request, means);
  if (!answer) return null;
  if (answer instanceof GraphQLError) return refused(answer, request, means);
  const format = mediaType === OF_2022 ? formatOf2022 : announcedFormat;
  const delivery = await answer.first();
  if (request.contextValue.holding?.isRefused) {
    answer.end();
    return refused(overloaded(), request, means);
  }
  const first = await tell(delivery, request, means);
  const body = {
    kind: "incremental",
    initialResult: format.first(first, answer.hasNext),
    subsequentResults: payloads(answer, request.contextValue, async (deliveries) => {
      const told = await Promise.all(deliveries.map((delivery) => tell(delivery, request, means)));
      const next = format.next(told, answer.hasNext);
      const token = answer.hasNext ? undefined : request.contextValue.session?.token();
      return token === undefined ? next : { ...next, extensions: { [SESSION_HEADER]: token } };
    }),
  };
  return { http: { headers: new HeaderMap() }, body: body as unknown as GraphQLResponse["body"] };
}

async function refused(
  error: GraphQLError,
  request: Request,
  means: DeliveryMeans,
): Promise<GraphQLResponse> {
  const nowhere = { place: { id: "", label: undefined, path: [], sourcePath: [] }, data: null, opened: [] };
  const { errors } = await tell({ ...nowhere, errors: [error] }, request, means);
  const headers = new HeaderMap([["retry-after", "1"]]);
  return { http: { status: 503, headers }, body: { kind: "single", singleResult: { errors } } };
}

async function begin(
  { schema, document, request, queryHash, contextValue }: Request,
  { runningOn }: DeliveryMeans,
): Promise<DeferredAnswer | GraphQLError | undefined> {
  const { record, session } = contextValue;
  // An explanation covers the whole answer, so an explained answer is delivered at once.
  if (record.explanation) return undefined;
  const { operationName, variables = {} } = request;
  try {
    const { engine, network } = runningOn(schema);
    // A cookie is sent before the answer, and has to cover all of it.
    if (session?.cookieLengthMax !== undefined && network.reads.size > 0) return undefined;
    const asked = { document: document!, operationName, variables };
    return await engine.beginDeferred(asked, { ...contextValue, network });
  } catch (error) {
    // The operation must not wait a second time to be planned as a whole.
    if (error instanceof GraphQLError && error.extensions.code === "OVERLOADED") return error;
    // Nothing has been fetched. If the operation is at fault, answering it at once reports the fault.
    if (!(error instanceof GraphQLError)) {
      contextValue.log.warn({ err: error, hash: queryHash }, "an operation with @defer is answered at once");
    }
    return undefined;
  }
}

/**
 * Makes each chunk when its parts are complete, and none for a client that has gone. A chunk that its client
 * has not taken waits as bytes (unread-answers.ts), and the room for what it was made of is free.
 */
async function* payloads(
  answer: DeferredAnswer,
  { holding }: RequestContext,
  write: (deliveries: readonly Delivery[]) => Promise<JsonObject>,
): AsyncGenerator<JsonObject> {
  try {
    while (answer.hasNext) yield await write(await answer.next());
  } finally {
    answer.end();
    holding?.end();
  }
}

/** A delivery with its errors as clients see them. */
interface Told {
  place: Place;
  data: JsonObject | null;
  errors: readonly GraphQLFormattedError[];
  opened: readonly Place[];
}

async function tell(
  delivery: Delivery,
  request: Request,
  { formatError, faults }: DeliveryMeans,
): Promise<Told> {
  const { place, data, opened } = delivery;
  if (delivery.errors.length === 0) return { place, data, opened, errors: [] };
  const listener = await faults.requestDidStart?.(request);
  await listener?.didEncounterErrors?.({ ...request, errors: delivery.errors } as never);
  const formatted = delivery.errors.map((error) => formatError(plain(error), error));
  const errors = visibleBelow(formatted, place.path, data);
  for (const { extensions } of errors) request.contextValue.record.told(String(extensions?.code ?? NO_CODE));
  return { place, data, opened, errors };
}

/** The form that Apollo Server gives to an error before it is formatted. */
function plain(error: GraphQLError): GraphQLFormattedError {
  const { http: _, ...extensions } = { code: "INTERNAL_SERVER_ERROR", ...error.extensions };
  return { ...error.toJSON(), extensions };
}

/** Like `visibleErrors`, for the data at a place below the root. */
function visibleBelow(
  errors: readonly GraphQLFormattedError[],
  place: ResponsePath,
  data: unknown,
): GraphQLFormattedError[] {
  const below = errors.map(({ path, ...error }) =>
    path ? { ...error, path: path.slice(place.length) } : error,
  );
  return visibleErrors(below, data).map(({ path, ...error }) =>
    path ? { ...error, path: [...place, ...path] } : error,
  );
}

interface Format {
  first(told: Told, hasNext: boolean): JsonObject;
  next(told: readonly Told[], hasNext: boolean): JsonObject;
}

const errorsOf = ({ errors }: Told) => (errors.length > 0 ? { errors } : {});

const formatOf2022: Format = {
  first: (told, hasNext) => ({ ...errorsOf(told), data: told.data, hasNext }),
  next: (all, hasNext) => ({
    incremental: all.map((told) => {
      const { label, path } = told.place;
      return { ...errorsOf(told), data: told.data, path, ...(label !== undefined && { label }) };
    }),
    hasNext,
  }),
};

/**
 * Announces every place as pending, sends its data, and completes it. A place whose data is null is completed
 * with its errors alone.
 */
const announcedFormat: Format = {
  first: (told, hasNext) => ({
    ...errorsOf(told),
    data: told.data,
    pending: told.opened.map(pending),
    hasNext,
  }),
  next(all, hasNext) {
    const opened = all.flatMap((told) => told.opened.map(pending));
    const whole = all.filter(({ data }) => data !== null);
    return {
      ...(opened.length > 0 && { pending: opened }),
      ...(whole.length > 0 && {
        incremental: whole.map((told) => ({ id: told.place.id, ...errorsOf(told), data: told.data })),
      }),
      completed: all.map((told) => ({ id: told.place.id, ...(told.data === null && errorsOf(told)) })),
      hasNext,
    };
  },
};

function pending({ id, path, label }: Place): JsonObject {
  return { id, path, ...(label !== undefined && { label }) };
}
