/**
 * What a service does with a request that says how old its answer may be (read-headers.ts). A request without
 * `x-read-after` is not touched.
 */
import type { HTTPGraphQLResponse } from "@apollo/server";

export type Answer = HTTPGraphQLResponse;

export interface ServiceReads {
  /**
   * Serves one request, and says with its answer which positions that shows.
   * @param readAfter the value of `x-read-after`
   * @param run carries the request out; may be called again if the first answer is of no use
   */
  serve(readAfter: string, run: () => Promise<Answer>): Promise<Answer>;
  /** The request's operation is known and about to be carried out. */
  begin?(operation: "query" | "mutation" | "subscription"): Promise<void>;
  /** An operation failed on a fault of ours, or because something is away. */
  onFault?(): void;
}
