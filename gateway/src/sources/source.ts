/** A subgraph as plans see it, and how all kinds of sources ask their services. */
import { codedError, unavailableCode } from "@teranga/kit/graphql/errors.ts";
import { REQUEST_ID_HEADER } from "@teranga/kit/http/server.ts";
import { type SubgraphRequest, TransportError } from "@teranga/kit/http/transport.ts";
import { placeName } from "@teranga/kit/reads/read-headers.ts";
import type { GraphQLError, GraphQLFormattedError } from "graphql";
import { type AnsweredPart, copyJson, type JsonObject, type PartAnswer } from "../ground/answer.ts";
import { takenErrors } from "../ground/service-errors.ts";
import type { Ask, AskTerms } from "../network/network.ts";
import type { AskedRead } from "../session/session.ts";
import type { RunContext, SentRequest } from "./request-context.ts";

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

/** The place that was asked: all replicas of a subgraph, or one of its partitions. */
export interface AskedPlace {
  subgraph: string;
  partition?: string;
}

/** The terms on which a place is asked. */
export interface PlaceTerms {
  /** Whether the request may be sent again if its outcome is unknown. */
  mayRepeat: boolean;
  /** Whether an answer is complete. A place whose answer is not has failed. */
  isWhole: (answer: AnsweredPart) => boolean;
}

/** Asks a place for a client's request. Never throws for what happens there. */
export async function askPlace(
  place: AskedPlace,
  ask: Ask,
  request: SubgraphRequest,
  { mayRepeat, isWhole }: PlaceTerms,
  context: RunContext,
): Promise<PartAnswer> {
  const { subgraph, partition } = place;
  const id = placeName(subgraph, partition);
  if (context.unavailable.has(id)) return { kind: "failed", error: noAnswer(place) };
  const read = askedRead(id, context, !mayRepeat);
  try {
    const sent = { ...place, operation: request.query };
    const {
      data = null,
      errors,
      shared,
      notes,
    } = await ask(request, askTerms(context, sent, mayRepeat, read));
    if (read) context.session?.saw(read, notes, (name) => context.network.reads.get(name) === "own");
    const answer: AnsweredPart = { kind: "answered", data, errors: takenErrors(errors) };
    if (!isWhole(answer)) throw new TransportError("unknown", "answered something else than was asked for");
    return shared ? { ...answer, data: copyJson(data) as JsonObject | null } : answer;
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    if (read?.mayWrite && error.effect === "unknown") context.session?.sawUnknown();
    if (isAway(error)) context.unavailable.add(id);
    const kind = partition === undefined ? "subgraph" : "partition";
    context.log.warn({ ...place, reason: error.message }, `a ${kind} does not answer`);
    return { kind: "failed", error: noAnswer(place, { error, mayRepeat }) };
  }
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

/** The terms on which a service is asked for a client's request, which is about to be sent. */
function askTerms(
  context: RunContext,
  sent: SentRequest,
  mayRepeat: boolean,
  read: AskedRead | undefined,
): AskTerms {
  const { requestId, forwardedHeaders, record, holding } = context;
  const deadlineAtMs = Math.min(context.deadlineAtMs, performance.now() + context.fetchDeadlineMs);
  if (!mayRepeat && holding) holding.mustAnswer = true;
  context.onSubgraphRequest?.(sent);
  const headers = { ...forwardedHeaders, [REQUEST_ID_HEADER]: requestId };
  const after = read?.after;
  return { mayRepeat, headers, after, deadlineAtMs, asker: record, holding, onFetched: record.fetched };
}
