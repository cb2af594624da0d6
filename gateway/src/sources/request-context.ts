/** The context of one client request. */
import type { Assertions } from "@teranga/kit/identity/assertion.ts";
import type { Identity } from "@teranga/kit/identity/identity.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import type { EntityCache } from "../cache/entity-cache.ts";
import type { Holding } from "../ground/answer-room.ts";
import type { Network } from "../network/network.ts";
import type { Session } from "../session/session.ts";
import type { AnswerBudget } from "./answer-budget.ts";
import type { RequestRecord } from "./request-record.ts";

/** As the door makes it. */
export interface RequestContext {
  /** Sent with every request to a service. */
  requestId: string;
  log: Logger;
  /** Who asks. */
  identity: Identity;
  /** Tells services who asks. Undefined for a gateway whose services do not share a credential. */
  assertions?: Assertions | undefined;
  /** When the request must be over, on the clock of `performance.now`. */
  deadlineAtMs: number;
  /** How long one fetch may take: a fetch that hangs must leave time for those after it. */
  fetchDeadlineMs: number;
  /** The client's headers that services may see. */
  forwardedHeaders: Readonly<Record<string, string>>;
  /** What the client has seen. Undefined for callers without sessions, who are answered from primaries. */
  session?: Session | undefined;
  /** What services allow to be kept. Without it everything is fetched. */
  cache?: EntityCache | undefined;
  /** The notes for logs, metrics and explanations. */
  record: RequestRecord;
  /**
   * The places that have failed to answer within this request. They are not asked again: a place that hangs
   * costs the request one deadline, however many fetches a plan has.
   */
  unavailable: Set<string>;
  /** How much all fetches together may still add to the answer. */
  budget: AnswerBudget;
  /** Bounds what services' answers to this request hold; no bound by default. */
  holding?: Holding;
  /** Hears of each request to a service just before it is sent. */
  onSubgraphRequest?: ((request: SentRequest) => void) | undefined;
}

/** The same while an operation is carried out. */
export interface RunContext extends RequestContext {
  /** The network from when the operation began, on which its sources send their requests. */
  network: Network;
}

/** A request that is about to be sent to a service. */
export interface SentRequest {
  subgraph: string;
  partition?: string;
  operation: string;
}
