/** Which place is asked for a client's request, and on which terms. */
import { REQUEST_ID_HEADER } from "@teranga/kit/http/server.ts";
import { IDENTITY_HEADER } from "@teranga/kit/identity/assertion.ts";
import type { AnsweredPart, JsonObject } from "../ground/answer.ts";
import type { AskTerms } from "../network/network.ts";
import type { RunContext, SentRequest } from "./request-context.ts";

/** The place that was asked: all replicas of a subgraph, or one of its partitions. */
export interface AskedPlace {
  subgraph: string;
  partition?: string;
  /** If each replica is a node with a database of its own: the one that is asked first. */
  node?: string | undefined;
}

/** The terms on which a place is asked. */
export interface PlaceTerms {
  /** Whether the request may be sent again if its outcome is unknown. */
  mayRepeat: boolean;
  /** Whether it asks for something that not everybody may have: the service is told who asks. */
  isProtected: boolean;
  /** Whether an answer to these variables is complete. A place whose answer is not has failed. */
  isWhole: (answer: AnsweredPart, variables: JsonObject) => boolean;
  /** The object types that the answer may show below entities. Undefined if that is not known. */
  shows?: readonly string[];
}

/**
 * What the service is told of who asks. Nothing if everybody may have the answer, so that equal questions are
 * one whoever asks. A mutation always tells it: whose rows it changes only the service knows.
 */
export function assertion(
  { subgraph }: AskedPlace,
  { mayRepeat, isProtected }: PlaceTerms,
  { identity, assertions }: RunContext,
): Promise<string> | undefined {
  return mayRepeat && !isProtected ? undefined : assertions?.for(identity, subgraph);
}

/** The terms on which a service is asked for a client's request, which is about to be sent. */
export function askTerms(
  context: RunContext,
  sent: SentRequest,
  { terms: { mayRepeat }, assertion }: { terms: PlaceTerms; assertion: string | undefined },
): AskTerms {
  const { requestId, forwardedHeaders, record, holding } = context;
  const deadlineAtMs = deadlineOf(context);
  if (!mayRepeat && holding) holding.mustAnswer = true;
  context.onSubgraphRequest?.(sent);
  const headers: Record<string, string> = { ...forwardedHeaders, [REQUEST_ID_HEADER]: requestId };
  if (assertion !== undefined) headers[IDENTITY_HEADER] = assertion;
  return { mayRepeat, headers, deadlineAtMs, asker: record, holding, onFetched: record.fetched };
}

/** When a fetch that begins now must be over. */
export function deadlineOf({ deadlineAtMs, fetchDeadlineMs }: RunContext): number {
  return Math.min(deadlineAtMs, performance.now() + fetchDeadlineMs);
}
