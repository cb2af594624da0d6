/**
 * The notes about one client request while it runs: for its log line, for the metrics, and for the client if
 * it asks.
 */
import type { Identity } from "@teranga/kit/identity/identity.ts";
import type { FetchRecord } from "../network/fetch-record.ts";

/** One and a half steps of a plan over 1,024 cities. Further fetches are only counted. */
const FETCHES_SHOWN_MAX = 1_500;
/** Services that are not ours may use any codes. This many different ones are kept apart. */
const CODES_MAX = 20;
const OTHER_CODE = "(other)";
/** For errors without a code. */
export const NO_CODE = "(none)";
const CODE = /^[\w.:-]{1,100}$/;

/** The operation of a request, once it is known. */
export interface ObservedOperation {
  /** The client's name for it. */
  name: string | undefined;
  type: "query" | "mutation" | "subscription";
  /** SHA-256 of its text. Log lines have it instead of the text, which may contain private data. */
  hash: string | undefined;
}

/** What a client is told of how its answer was made (explain.ts). */
export interface Explanation {
  plan: unknown;
  fetches: (FetchRecord & { endedAtMs: number })[];
  fetchesNotListed: number;
}

export class RequestRecord {
  readonly requestId: string;
  operation: ObservedOperation | undefined;
  /** Undefined if its token was refused. */
  identity: Identity | undefined;
  /** How many errors of each code the client was told. */
  readonly errors = new Map<string, number>();
  fetches = 0;
  failedFetches = 0;
  sharedFetches = 0;
  retriedFetches = 0;
  /** How many fetches were answered by what is kept, by subgraph. */
  readonly keptFetches = new Map<string, number>();
  readonly explanation: Explanation | undefined;
  readonly #nowMs: () => number;
  readonly #begunAtMs: number;

  constructor(requestId: string, isExplained: boolean, nowMs: () => number) {
    this.requestId = requestId;
    this.#nowMs = nowMs;
    this.#begunAtMs = nowMs();
    this.explanation = isExplained ? { plan: undefined, fetches: [], fetchesNotListed: 0 } : undefined;
  }

  get durationMs(): number {
    return this.#nowMs() - this.#begunAtMs;
  }

  /** Must be called for each request to a service once it is over, and for each that the cache has saved. */
  readonly fetched = (fetch: FetchRecord): void => {
    this.fetches++;
    if (fetch.outcome !== "answered") this.failedFetches++;
    if (fetch.shared) this.sharedFetches++;
    if (fetch.attempts > 1) this.retriedFetches++;
    const { subgraph } = fetch;
    if (fetch.readFrom === "cache") this.keptFetches.set(subgraph, (this.keptFetches.get(subgraph) ?? 0) + 1);
    if (!this.explanation) return;
    if (this.explanation.fetches.length < FETCHES_SHOWN_MAX) {
      this.explanation.fetches.push({ ...fetch, endedAtMs: this.durationMs });
    } else this.explanation.fetchesNotListed++;
  };

  /**
   * Must be called once the operation is planned.
   * @param describe makes the plan readable; called only if a client asked for an explanation
   */
  planned(describe: () => unknown): void {
    if (this.explanation) this.explanation.plan = describe();
  }

  /** Codes of services that are not ours may be any text, and must not reach logs and labels. */
  told(said: string): void {
    const code = said === NO_CODE || CODE.test(said) ? said : OTHER_CODE;
    const known = this.errors.has(code) || this.errors.size < CODES_MAX ? code : OTHER_CODE;
    this.errors.set(known, (this.errors.get(known) ?? 0) + 1);
  }
}
