/** What belongs to one client request while it runs. */
import type { Logger } from "@teranga/kit/process/log.ts";
import type { Holding } from "../ground/answer-room.ts";
import type { Network } from "../network/network.ts";
import type { AnswerBudget } from "./answer-budget.ts";
import type { RequestRecord } from "./request-record.ts";

export interface GatewayContext {
  /** Sent along with every request to a service. */
  requestId: string;
  log: Logger;
  /** The services as they were placed when the request began. */
  network: Network;
  /** When the request must be over, by the clock of `performance.now`. */
  deadlineAtMs: number;
  /** How long one fetch of it may take: what hangs must leave time for what comes after. */
  fetchDeadlineMs: number;
  /** The client's headers that services get to see. */
  forwardedHeaders: Readonly<Record<string, string>>;
  /** What is noted of it. */
  record: RequestRecord;
  /**
   * What has failed to answer within this request. It is not asked again: however many fetches a plan has, something that
   * hangs costs the request one deadline.
   */
  unavailable: Set<string>;
  /** What all fetches of the request may still add to its answer. */
  budget: AnswerBudget;
  /** What services' answers to it hold; no bound by default. */
  holding?: Holding;
}
