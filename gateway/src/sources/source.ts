/** A subgraph as plans see it, and how all kinds of sources ask their services. */
import { areUnavailable, codedError, unavailableCode } from "@teranga/kit/graphql/errors.ts";
import { REQUEST_ID_HEADER } from "@teranga/kit/http/server.ts";
import { type SubgraphRequest, TransportError } from "@teranga/kit/http/transport.ts";
import { placeName, printRanges } from "@teranga/kit/reads/read-headers.ts";
import type { GraphQLError, GraphQLFormattedError } from "graphql";
import { type Asked, askThroughCache } from "../cache/ask-through-cache.ts";
import type { EntityCache } from "../cache/entity-cache.ts";
import { namelessText } from "../cache/kept-fetch.ts";
import { type AnsweredPart, copyJson, type JsonObject, type PartAnswer } from "../ground/answer.ts";
import { answering } from "../ground/answering.ts";
import { takenErrors } from "../ground/service-errors.ts";
import type { Ask, SubgraphAnswer } from "../network/network.ts";
import type { ReadAfter } from "../session/read-after.ts";
import type { AskedRead } from "../session/session.ts";
import { type AskedPlace, askTerms, assertion, deadlineOf, type PlaceTerms } from "./ask-terms.ts";
import type { RunContext } from "./request-context.ts";

/** A subgraph's answer to one fetch. The caller owns `data` and may change it. */
export interface FetchAnswer {
  data: JsonObject | null;
  /** Paths are those of the fetch: an entity's path begins with `_entities` and its index. */
  errors: readonly GraphQLFormattedError[];
}

/** A fetch that was prepared once, for every network. */
export interface PreparedFetch {
  /**
   * Never throws for what happens at the services: such a failure is an error in the answer.
   * @param name the operation name that services are told; no name if undefined
   */
  send: (variables: JsonObject, context: RunContext, name: string | undefined) => Promise<FetchAnswer>;
  /** The bytes that it keeps, approximately. */
  weight: number;
}

/** A subgraph, as engines see it. */
export interface Source {
  /** @param text an operation without a name: it serves all clients, whatever they call theirs */
  prepare: (text: string) => PreparedFetch;
}

/** Asks a place for a client's request. Never throws for what happens there. */
export async function askPlace(
  place: AskedPlace,
  ask: Ask,
  request: SubgraphRequest,
  terms: PlaceTerms,
  context: RunContext,
): Promise<PartAnswer> {
  const id = placeName(place.subgraph, place.node ?? place.partition);
  const read = askedRead(id, context, !terms.mayRepeat);
  const { cache } = context;
  const { mayRepeat, isProtected } = terms;
  const mayBeKept = cache && read && read.reads !== "others";
  if (mayBeKept && mayRepeat && !isProtected) {
    return askCached(cache, place, ask, request, { terms, context, read });
  }
  const { answer } = await askService(place, ask, request, { terms, context, read });
  if (mayBeKept && !mayRepeat) cache.wrote(id);
  return answer;
}

interface Asking {
  terms: PlaceTerms;
  context: RunContext;
  /** How the client's session takes part. */
  read: AskedRead | undefined;
  /** What the answer must include, if that is more than what the client has seen. */
  after?: ReadAfter;
}

async function askCached(
  cache: EntityCache,
  place: AskedPlace,
  ask: Ask,
  request: SubgraphRequest,
  { terms, context, read }: Asking & { read: AskedRead },
): Promise<PartAnswer> {
  const { query, operationName, variables = {} } = request;
  const { forwardedHeaders: headers, session } = context;
  const isNode = read.reads === "node";
  const fetch = { place: read.place, isNode, text: namelessText(query, operationName), variables, headers };
  const requestFor = (some: JsonObject) =>
    some === variables ? request : { query, operationName, variables: some };
  const beganMs = performance.now();
  try {
    return await askThroughCache(cache, {
      fetch: { ...fetch, shows: terms.shows },
      after: read.after,
      waitMs: deadlineOf(context) - beganMs,
      ask: (some, after) => askService(place, ask, requestFor(some), { terms, context, read, after }),
      askBehind: (some, after) => askForNobody(place, ask, requestFor(some), { terms, context, after }),
      takeRoom: (bytes) => takeRoom(context, bytes),
      saw: (ranges) => {
        session!.saw(read, { positions: ranges && printRanges(ranges) }, isTracked(context));
        const durationMs = performance.now() - beganMs;
        const { node: _, ...asked } = place;
        const fetched = { ...asked, outcome: "answered" as const, durationMs, attempts: 0, shared: false };
        context.record.fetched({ ...fetched, readFrom: "cache" });
      },
    });
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return failedAt(place, error, { terms, context, read });
  }
}

/** Takes room and the turn for a kept text, as the network does for one that it reads. */
async function takeRoom({ holding, record }: RunContext, bytes: number): Promise<void> {
  const room = holding?.read(bytes);
  if (room) await room;
  const turn = answering.turn(record, holding?.isGreat, bytes);
  if (turn) await turn;
}

async function askService(
  place: AskedPlace,
  ask: Ask,
  request: SubgraphRequest,
  asking: Asking,
): Promise<Asked> {
  const { terms, context, read, after = read?.after } = asking;
  const id = placeName(place.subgraph, place.partition);
  if (context.unavailable.has(id)) {
    return { answer: { kind: "failed", error: noAnswer(place) }, notes: undefined };
  }
  try {
    const sent = { ...place, operation: request.query };
    const asserted = assertion(place, terms, context);
    const said = askTerms(context, sent, { terms, assertion: asserted && (await asserted) });
    const answered = await ask(request, { ...said, after });
    if (read && !isNothing(answered)) context.session?.saw(read, answered.notes, isTracked(context));
    return wholeAnswer(answered, request, terms);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return { answer: failedAt(place, error, asking), notes: undefined };
  }
}

/** Asks for what is to be kept, when no client waits for it. */
async function askForNobody(
  place: AskedPlace,
  ask: Ask,
  request: SubgraphRequest,
  { terms, context, after }: Pick<Asking, "terms" | "context"> & { after: ReadAfter },
): Promise<Asked> {
  const { forwardedHeaders, requestId, fetchDeadlineMs } = context;
  const headers = { ...forwardedHeaders, [REQUEST_ID_HEADER]: requestId };
  const deadlineAtMs = performance.now() + fetchDeadlineMs;
  try {
    return wholeAnswer(await ask(request, { mayRepeat: true, headers, deadlineAtMs, after }), request, terms);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return {
      answer: { kind: "failed", error: noAnswer(place) },
      notes: undefined,
    };
  }
}

/**
 * Whether an answer neither shows nor has changed anything: the primary is away. What the client has seen is
 * as certain as before, so replicas go on to answer it.
 */
function isNothing({ data, errors = [] }: SubgraphAnswer): boolean {
  if (errors.length === 0 || !areUnavailable(errors)) return false;
  return Object.values(data ?? {}).every(
    (field) => field === null || (Array.isArray(field) && field.every((entity) => entity === null)),
  );
}

/** @throws TransportError if the answer is not what was asked for */
function wholeAnswer(
  { data = null, errors, shared, notes }: SubgraphAnswer,
  { variables = {} }: SubgraphRequest,
  { isWhole }: PlaceTerms,
): Asked {
  const answer: AnsweredPart = { kind: "answered", data, errors: takenErrors(errors) };
  if (!isWhole(answer, variables)) {
    throw new TransportError("unknown", "answered something else than was asked for");
  }
  return { answer: shared ? { ...answer, data: copyJson(data) as JsonObject | null } : answer, notes };
}

function failedAt(place: AskedPlace, error: TransportError, { terms, context, read }: Asking): PartAnswer {
  const { mayRepeat } = terms;
  if (read?.mayWrite && error.effect === "unknown") context.session?.sawUnknown();
  if (isAway(error)) context.unavailable.add(placeName(place.subgraph, place.partition));
  const kind = place.partition === undefined ? "subgraph" : "partition";
  context.log.warn({ ...place, reason: error.message }, `a ${kind} does not answer`);
  return { kind: "failed", error: noAnswer(place, { error, mayRepeat }) };
}

/**
 * The error for a place that gave no answer. It names the place but not its address.
 * @param failure undefined if the place was not asked, because it had failed before in this request
 */
export function noAnswer(
  place: AskedPlace,
  failure?: { error: TransportError; mayRepeat: boolean },
): GraphQLError {
  if (failure && !failure.mayRepeat && failure.error.effect === "unknown") return outcomeUnknown(place);
  const { subgraph, partition } = place;
  const code = partition === undefined ? "SUBGRAPH_UNAVAILABLE" : unavailableCode(subgraph);
  const said = failure?.error.said;
  const message = `The ${nameOf(place)} is unavailable${said === undefined ? "" : `: ${said}`}.`;
  return codedError(code, message, extensionsOf(place));
}

/** The error for a mutation that may have been carried out. Only the client may send it again. */
function outcomeUnknown(place: AskedPlace): GraphQLError {
  const message = `Whether this has happened is not known: the ${nameOf(place)} gave no answer to be read.`;
  return codedError("OUTCOME_UNKNOWN", message, extensionsOf(place));
}

function nameOf({ subgraph, partition }: AskedPlace): string {
  return partition === undefined ? `service "${subgraph}"` : `${subgraph} "${partition}"`;
}

function extensionsOf({ subgraph, partition }: AskedPlace): Record<string, string> {
  return partition === undefined ? { subgraph } : { [subgraph]: partition };
}

/** Whether the place is away altogether, so that it would fail any request. */
function isAway({ fault }: TransportError): boolean {
  switch (fault) {
    case "no-connection":
    case "timeout":
    case "unfinished":
    case "unable":
      return true;
    case "bad-answer":
    case "not-theirs":
    case "no-room":
      return false;
    default:
      return fault satisfies never;
  }
}

/** How the client's session takes part. Undefined if no answer of the place can be older than its primary. */
function askedRead(
  place: string,
  { network, session }: RunContext,
  mayWrite: boolean,
): AskedRead | undefined {
  const reads = session && network.reads.get(place);
  return reads && { place, reads, after: session.readAfter(place, reads), mayWrite };
}

/** Whether a place's answers may be older than others: of those the session keeps positions. */
function isTracked({ network: { reads } }: RunContext): (place: string) => boolean {
  return (place) => {
    const its = reads.get(place);
    return its === "own" || its === "node";
  };
}
