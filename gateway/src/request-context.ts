/** What belongs to one client request while it runs. */
import type { Logger } from "@teranga/kit/log.ts";
import type { AnswerBudget } from "./answer-budget.ts";

export interface GatewayContext {
  /** Sent along with every request to a service. */
  requestId: string;
  log: Logger;
  /**
   * What has failed to answer within this request. It is not asked again: however many fetches a plan has, something that
   * hangs costs the request one deadline.
   */
  unavailable: Set<string>;
  /** What all fetches of the request may still add to its answer. */
  budget: AnswerBudget;
}
